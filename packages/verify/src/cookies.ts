import type { IncomingMessage } from 'node:http';

/** The first value of a name in a `Cookie` header. */
export function cookieOf(header: string, name: string): string | undefined {
  for (let begin = 0; begin < header.length; begin = endOf(header, begin) + 1) {
    const end = afterName(header, begin, name);
    if (header.charAt(end) === '=') return header.slice(end + 1, endOf(header, begin)).trim();
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
    if (!isCookie(rawHeaders[index] ?? '')) continue;
    const value = rawHeaders[index + 1] ?? '';
    rawHeaders[index + 1] = value === known.sent ? known.kept : without(value, names);
  }
}

function isCookie(name: string): boolean {
  // As clients write it; whatever other names of six letters there are, none of them is made lower case for each request.
  if (name === 'Cookie' || name === 'cookie') return true;
  return /^cookie$/i.test(name);
}

/** Where a cookie parser ran before us. */
function forgetParsed(request: IncomingMessage & { cookies?: unknown }, names: readonly string[]): void {
  const { cookies } = request;
  if (typeof cookies !== 'object' || cookies === null) return;
  for (const name of names) Reflect.deleteProperty(cookies, name);
}

function without(header: string, names: readonly string[]): string {
  let kept = '';
  /** Where what is not decided yet begins. */
  let from = 0;
  for (let begin = 0; begin <= header.length; begin = endOf(header, begin) + 1) {
    if (!isNamedOneOf(header, begin, names)) continue;
    kept += header.slice(from, begin);
    from = endOf(header, begin) + 1;
  }
  if (from === 0) return header;
  // Of a last pair the separator before it goes too.
  return (from > header.length ? kept.slice(0, -1) : kept + header.slice(from)).trim();
}

// Pairs are looked at where they stand: to split the header and trim each name would cost more than to look up its token.

function endOf(header: string, begin: number): number {
  const end = header.indexOf(';', begin);
  return end < 0 ? header.length : end;
}

/** Whether the pair that begins there has one of the names; it may be without a value. */
function isNamedOneOf(header: string, begin: number, names: readonly string[]): boolean {
  for (const name of names) {
    const end = afterName(header, begin, name);
    if (end >= 0 && (end === header.length || '=;'.includes(header.charAt(end)))) return true;
  }
  return false;
}

/** Where the name ends, white space around it included; -1, where no text has a character: the pair has another name. */
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
