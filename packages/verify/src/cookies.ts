import type { IncomingMessage } from 'node:http';

/** The first value of a name in a `Cookie` header. */
export function cookieOf(header: string, name: string): string | undefined {
  if (!header.includes(name)) return undefined;
  for (const pair of header.split(';')) {
    const [other, value] = nameAndValue(pair);
    if (value !== undefined && other === name) return value;
  }
  return undefined;
}

/** Takes cookies out of everything that a handler may read them from. */
export function removeCookies(request: IncomingMessage, names: readonly string[]): void {
  const { headers } = request;
  if (headers.cookie === undefined) return;
  const kept = without(headers.cookie, names);
  if (kept === headers.cookie) return;

  if (kept === '') delete headers.cookie;
  else headers.cookie = kept;
  rewriteCookies(request.rawHeaders, names);
  // Node makes it from rawHeaders when it is read; to read it here would cost as much as all the rest.
  Reflect.set(request, 'headersDistinct', undefined);
  forgetParsed(request, names);
}

/** Names and values in turn. */
function rewriteCookies(rawHeaders: string[], names: readonly string[]): void {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length !== 'cookie'.length || name.toLowerCase() !== 'cookie') continue;
    rawHeaders[index + 1] = without(rawHeaders[index + 1] ?? '', names);
  }
}

/** Where a cookie parser ran before us. */
function forgetParsed(request: IncomingMessage & { cookies?: unknown }, names: readonly string[]): void {
  const { cookies } = request;
  if (typeof cookies !== 'object' || cookies === null) return;
  for (const name of names) Reflect.deleteProperty(cookies, name);
}

function without(header: string, names: readonly string[]): string {
  if (!names.some((name) => header.includes(name))) return header;
  const pairs = header.split(';');
  const kept = pairs.filter((pair) => !names.includes(nameAndValue(pair)[0]));
  return kept.length === pairs.length ? header : kept.join(';').trim();
}

function nameAndValue(pair: string): [string, string | undefined] {
  const at = pair.indexOf('=');
  return at < 0 ? [pair.trim(), undefined] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
}
