import type { IncomingMessage } from 'node:http';

const harmless = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Browsers say truly where a request comes from; whoever says nothing is refused. */
export function mayUseCookies({ method = '', headers }: IncomingMessage, origin: string): boolean {
  if (harmless.has(method)) return true;
  const site = headers['sec-fetch-site'];
  return site !== undefined ? site === 'same-origin' : headers.origin === origin;
}
