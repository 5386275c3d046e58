import type { IncomingMessage } from 'node:http';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Browsers report truthfully where a request comes from; a request that does not say it is refused. */
export function mayUseCookies({ method = '', headers }: IncomingMessage, origin: string): boolean {
  if (safeMethods.has(method)) return true;
  const site = headers['sec-fetch-site'];
  return site !== undefined ? site === 'same-origin' : headers.origin === origin;
}
