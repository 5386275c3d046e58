import type { IncomingHttpHeaders } from 'node:http';
import { ValidationFailed } from '@authstack/http-service/errors';
import { AuthError } from '../errors.ts';
import type { Delivery } from '../sessions/session.ts';

export class CsrfRejected extends AuthError {
  override readonly code = 'CSRF_REJECTED';

  constructor() {
    super('Sec-Fetch-Site must be same-origin, or else Origin the origin of this site');
  }
}

export class BodyDeliveryRefused extends AuthError {
  override readonly code = 'BODY_DELIVERY_REFUSED';

  constructor() {
    super('Authstack-Delivery: body is for clients that are no browsers; Origin and Sec-Fetch-* must be absent');
  }
}

interface Headers {
  readonly headers: IncomingHttpHeaders;
}

/** Browsers say truly where a request comes from; whoever says nothing is refused. */
export function requireSameOrigin({ headers }: Headers, origin: string): void {
  const site = headers['sec-fetch-site'];
  const isOurs = site !== undefined ? site === 'same-origin' : headers.origin === origin;
  if (!isOurs) throw new CsrfRejected();
}

/** How the client wants its tokens. A browser is never given them where a script could read them. */
export function deliveryOf({ headers }: Headers): Delivery {
  const asked = headers['authstack-delivery'];
  if (asked === undefined) return 'cookie';
  if (asked !== 'body') {
    throw new ValidationFailed([
      { field: 'Authstack-Delivery', code: 'NOT_ACCEPTABLE', message: 'must be body, or absent' },
    ]);
  }
  const isBrowser = Object.keys(headers).some((name) => name === 'origin' || name.startsWith('sec-fetch-'));
  if (isBrowser) throw new BodyDeliveryRefused();
  return 'body';
}
