interface Version {
  readonly major: number;
  readonly minor: number;
}

/** Whether a program that says this of itself (`go version go1.26.8 linux/amd64`) is of that minor version or newer. */
export function isAtLeast(said: string, least: string): boolean {
  const [version, limit] = [parse(said), parse(least)];
  if (!version || !limit) return false;
  return version.major > limit.major || (version.major === limit.major && version.minor >= limit.minor);
}

/** Kubernetes promises that a client works with servers one minor older or newer than itself, and no further. */
export function isWithinOneMinor(said: string, of: string): boolean {
  const [version, server] = [parse(said), parse(of)];
  if (!version || !server) return false;
  return version.major === server.major && Math.abs(version.minor - server.minor) <= 1;
}

/** The first thing in the text that looks like a version. */
function parse(text: string): Version | undefined {
  const [, major, minor] = /(\d+)\.(\d+)/.exec(text) ?? [];
  return major === undefined || minor === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}
