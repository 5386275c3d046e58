import type { IncomingHttpHeaders } from 'node:http';
import { ValidationFailed } from '@authstack/http-service/errors';
import { z } from 'zod';
import { AuthError } from '../errors.ts';
import type { HeaderParameter } from '../http/route.ts';
import type { Device } from './grant.ts';
import type { Delivery } from './session.ts';

export class BodyDeliveryRefused extends AuthError {
  override readonly code = 'BODY_DELIVERY_REFUSED';

  constructor() {
    super('Authstack-Delivery: body is for clients other than browsers; Origin and Sec-Fetch-* must be absent');
  }
}

export const DELIVERY_HEADER = 'Authstack-Delivery';

export const deliveryParameter: HeaderParameter = {
  name: DELIVERY_HEADER,
  values: ['body'],
  description: 'The tokens come in the answer, and no cookie is set. Refused where Origin or Sec-Fetch-* is present.',
};

/**
 * One content without the header, another with it. JSON Schema has no words for what depends on a header: each variant says so in
 * its title, and for programs in `x-with-headers`, where null is a header that is absent.
 */
export function byDelivery<Cookie, Body>(variants: {
  readonly cookie: z.ZodType<Cookie>;
  readonly body: z.ZodType<Body>;
}): z.ZodType<Cookie | Body> {
  return z.union([
    variants.cookie.meta({ title: `Without ${DELIVERY_HEADER}`, 'x-with-headers': { [DELIVERY_HEADER]: null } }),
    variants.body.meta({ title: `With ${DELIVERY_HEADER}: body`, 'x-with-headers': { [DELIVERY_HEADER]: 'body' } }),
  ]);
}

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
