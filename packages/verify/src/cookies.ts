import type { IncomingMessage } from 'node:http';

/** The first value of a name in a `Cookie` header. */
export function cookieOf(header: string, name: string): string | undefined {
  for (let begin = 0; begin < header.length; begin = endOf(header, begin) + 1) {
    const end = afterName(header, begin, name);
    if (header[end] === '=') return header.slice(end + 1, endOf(header, begin)).trim();
  }
  return undefined;
}

/** Takes cookies out of everything that a handler may read them from. */
export function removeCookies(request: IncomingMessage, names: readonly string[]): void {
  const { headers } = request;
  const sent = headers.cookie;
  if (sent === undefined) return;
  const kept = without(sent, names);
  if (kept === sent) return;

  if (kept === '') delete headers.cookie;
  else headers.cookie = kept;
  rewriteCookies(request.rawHeaders, names, { sent, kept });
  // Node makes it from rawHeaders when it is read; to read it here would cost as much as all the rest.
  (request as { headersDistinct: unknown }).headersDistinct = undefined;
  forgetParsed(request, names);
}

/** Names and values in turn. What was `sent` in one header, as browsers do, is not looked through again. */
function rewriteCookies(
  rawHeaders: string[],
  names: readonly string[],
  known: { readonly sent: string; readonly kept: string },
): void {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length !== 'cookie'.length || name.toLowerCase() !== 'cookie') continue;
    const value = rawHeaders[index + 1] ?? '';
    rawHeaders[index + 1] = value === known.sent ? known.kept : without(value, names);
  }
}

/** Where a cookie parser ran before us. */
function forgetParsed(request: IncomingMessage & { cookies?: unknown }, names: readonly string[]): void {
  const { cookies } = request;
  if (typeof cookies !== 'object' || cookies === null) return;
  for (const name of names) Reflect.deleteProperty(cookies, name);
}

function without(header: string, names: readonly string[]): string {
  const kept: string[] = [];
  let isWhole = true;
  for (let begin = 0; begin <= header.length; begin = endOf(header, begin) + 1) {
    if (names.some((name) => isNamed(header, begin, name))) isWhole = false;
    else kept.push(header.slice(begin, endOf(header, begin)));
  }
  return isWhole ? header : kept.join(';').trim();
}

// Pairs are looked at where they stand: to split the header and trim each name would cost more than to look up its token.

function endOf(header: string, begin: number): number {
  const end = header.indexOf(';', begin);
  return end < 0 ? header.length : end;
}

/** Whether the pair that begins there has this name; it may be without a value. */
function isNamed(header: string, begin: number, name: string): boolean {
  const end = afterName(header, begin, name);
  return end === header.length || header[end] === '=' || header[end] === ';';
}

/** Where the name ends, white space around it included; -1 if the pair begins with another one. */
function afterName(header: string, begin: number, name: string): number {
  const at = afterSpace(header, begin);
  return header.startsWith(name, at) ? afterSpace(header, at + name.length) : -1;
}

function afterSpace(header: string, begin: number): number {
  let at = begin;
  while (isSpace(header, at)) at += 1;
  return at;
}

/** What `trim` takes for white space. */
function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code > 0x20 && code < 0x80) return false;
  return at < text.length && text.charAt(at).trim() === '';
}
