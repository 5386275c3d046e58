import type { IncomingHttpHeaders } from 'node:http';
import { AuthError } from '../errors.ts';

export class CsrfRejected extends AuthError {
  override readonly code = 'CSRF_REJECTED';

  constructor(message = 'Sec-Fetch-Site must be same-origin, or, without it, Origin the origin of this site') {
    super(message);
  }
}

/** Browsers state truthfully where a request comes from; a request that states nothing is refused. */
export function requireSameOrigin({ headers }: { readonly headers: IncomingHttpHeaders }, origin: string): void {
  const site = headers['sec-fetch-site'];
  const isOurs = site !== undefined ? site === 'same-origin' : headers.origin === origin;
  if (!isOurs) throw new CsrfRejected();
}

/**
 * The same, of a browser and of nothing else: what services send has no Sec-Fetch-Site. Browsers send it to https and to this
 * machine alone, and not all of them to the latter.
 */
export function requirePage(request: { readonly headers: IncomingHttpHeaders }, origin: string): void {
  if (origin.startsWith('https:') && request.headers['sec-fetch-site'] === undefined) {
    throw new CsrfRejected('Sec-Fetch-Site must be same-origin; a service renews tokens on the listener for services');
  }
  requireSameOrigin(request, origin);
}
