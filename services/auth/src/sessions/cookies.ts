import { parse } from 'cookie';
import type { CookieOptions, Request, Response } from 'express';
import type { Millis } from '@authstack/http-service/clock';
import { cookieNames } from '../api.ts';
import type { CookieSettings } from '../api.ts';
import type { Grant } from './grant.ts';

interface Cookie {
  readonly name: string;
  readonly options: CookieOptions;
}

export interface Cookies {
  readonly token: Cookie;
  readonly session: Cookie;
  set(response: Response, grant: Grant, now: Millis): void;
  clear(response: Response): void;
  /** One of our cookies came along, whatever it is worth. */
  isShownBy(request: Request): boolean;
  /** The session token as it came, not yet looked at. */
  read(request: Request): string | undefined;
}

/** Where consumers must never see the session, its cookie goes to the auth service's own paths only. */
const OWN_PATH = '/api/users';

export function createCookies(settings: CookieSettings): Cookies {
  const secure = settings.issuer.startsWith('https:');
  const base: CookieOptions = { httpOnly: true, secure, sameSite: 'lax', path: '/' };
  const names = cookieNames(settings);
  const token: Cookie = { name: names.token, options: base };
  const session: Cookie = {
    name: names.session,
    options: settings.inlineRefresh ? base : { ...base, path: OWN_PATH },
  };

  return {
    token,
    session,
    set(response, grant, now) {
      // Both last as long as the session: a browser that still has the expired token can have it refreshed.
      const maxAge = Math.max(0, grant.session.expiresAt - now);
      response.cookie(token.name, grant.access.token, { ...token.options, maxAge });
      response.cookie(session.name, grant.sessionToken, { ...session.options, maxAge });
    },
    clear(response) {
      response.clearCookie(token.name, token.options);
      response.clearCookie(session.name, session.options);
    },
    isShownBy(request) {
      const shown = parse(request.headers.cookie ?? '');
      return shown[session.name] !== undefined || shown[token.name] !== undefined;
    },
    read: (request) => parse(request.headers.cookie ?? '')[session.name],
  };
}
