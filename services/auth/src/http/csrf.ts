import type { IncomingHttpHeaders } from 'node:http';
import { AuthError } from '../errors.ts';

export class CsrfRejected extends AuthError {
  override readonly code = 'CSRF_REJECTED';

  constructor() {
    super('Sec-Fetch-Site must be same-origin, or, without it, Origin the origin of this site');
  }
}

/** Browsers state truthfully where a request comes from; a request that states nothing is refused. */
export function requireSameOrigin({ headers }: { readonly headers: IncomingHttpHeaders }, origin: string): void {
  const site = headers['sec-fetch-site'];
  const isOurs = site !== undefined ? site === 'same-origin' : headers.origin === origin;
  if (!isOurs) throw new CsrfRejected();
}
