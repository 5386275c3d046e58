import { parse } from 'cookie';
import type { CookieOptions, Response } from 'express';
import type { Millis } from '@authstack/http-service/clock';
import type { KeySet } from '../secrets/secrets.ts';
import type { Arrival } from './client-address.ts';
import { withAccount } from './device-proof.ts';

export interface Exchange {
  readonly request: Pick<Arrival, 'headers'>;
  readonly response: Response;
}

/** Where a browser keeps its `DeviceProof`. It stays when a session ends: that is what it is for. */
export interface DeviceCookie {
  /** As it came, not yet looked at. */
  read(request: Exchange['request']): string | undefined;
  /** After a sign-in or sign-up. */
  keep(exchange: Exchange, account: string, keys: KeySet): void;
}

/** As long as browsers keep a cookie at most (RFC 6265bis). */
const MAX_AGE: Millis = 400 * 86_400_000;

export function createDeviceCookie({ issuer }: { readonly issuer: string }): DeviceCookie {
  const secure = issuer.startsWith('https:');
  // Only sign-in and sign-up read it, and no consumer is to see it; __Host- would demand the path of everything.
  const name = secure ? '__Secure-device' : 'device';
  const options: CookieOptions = { httpOnly: true, secure, sameSite: 'lax', path: '/api/users', maxAge: MAX_AGE };
  const read = (request: Exchange['request']): string | undefined => parse(request.headers.cookie ?? '')[name];
  return {
    read,
    keep({ request, response }, account, keys) {
      response.cookie(name, withAccount(read(request), account, keys), options);
    },
  };
}
