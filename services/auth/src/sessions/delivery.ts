import type { IncomingHttpHeaders } from 'node:http';
import { ValidationFailed } from '@authstack/http-service/errors';
import { AuthError } from '../errors.ts';
import type { Device } from './grant.ts';
import type { Delivery } from './session.ts';

export class BodyDeliveryRefused extends AuthError {
  override readonly code = 'BODY_DELIVERY_REFUSED';

  constructor() {
    super('Authstack-Delivery: body is for clients other than browsers; Origin and Sec-Fetch-* must be absent');
  }
}

export const DELIVERY_HEADER = 'Authstack-Delivery';

interface Headers {
  readonly headers: IncomingHttpHeaders;
}

/** How the client wants its tokens. A browser is never given them where a script could read them. */
export function deliveryOf({ headers }: Headers): Delivery {
  const asked = headers[DELIVERY_HEADER.toLowerCase()];
  if (asked === undefined) return 'cookie';
  if (asked !== 'body') {
    throw new ValidationFailed([
      { field: DELIVERY_HEADER, code: 'NOT_ACCEPTABLE', message: 'must be body, or absent' },
    ]);
  }
  const isBrowser = Object.keys(headers).some((name) => name === 'origin' || name.startsWith('sec-fetch-'));
  if (isBrowser) throw new BodyDeliveryRefused();
  return 'body';
}

export function deviceOf({ headers }: Headers, delivery: Delivery): Device {
  return { delivery, userAgent: headers['user-agent'] };
}
