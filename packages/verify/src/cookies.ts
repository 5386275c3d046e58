import type { IncomingMessage } from 'node:http';

/** The first value of each name in a `Cookie` header. */
export function parseCookies(header: string): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of header.split(';')) {
    const [name, value] = nameAndValue(pair);
    if (value !== undefined && !cookies.has(name)) cookies.set(name, value);
  }
  return cookies;
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
  const distinct = request.headersDistinct['cookie'] ?? [];
  for (const [index, header] of distinct.entries()) distinct[index] = without(header, names);
  forgetParsed(request, names);
}

/** Names and values in turn. */
function rewriteCookies(rawHeaders: string[], names: readonly string[]): void {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() !== 'cookie') continue;
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
  const pairs = header.split(';');
  const kept = pairs.filter((pair) => !names.includes(nameAndValue(pair)[0]));
  return kept.length === pairs.length ? header : kept.join(';').trim();
}

function nameAndValue(pair: string): [string, string | undefined] {
  const at = pair.indexOf('=');
  return at < 0 ? [pair.trim(), undefined] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
}
