import { parse } from 'cookie';
import type { CookieOptions, Request, Response } from 'express';
import { cookieNames } from '../api.ts';
import type { CookieSettings } from '../api.ts';
import type { Grant } from './grant.ts';

interface Cookie {
  readonly name: string;
  readonly options: CookieOptions;
}

export interface Exchange {
  readonly request: Request;
  readonly response: Response;
}

export interface Cookies {
  set(grant: Grant, exchange: Exchange): void;
  clear(exchange: Exchange): void;
  /** One of our cookies came along, whatever it is worth. */
  isShownBy(request: Request): boolean;
  /** The session token as it came, not yet looked at. */
  read(request: Request): string | undefined;
}

/** Where consumers must never see the session, its cookie goes to the auth service's own paths only. */
const OWN_PATH = '/api/users';

/**
 * A browser may still hold the session's cookie as it was before `inlineRefresh` was changed, under another name or path. It
 * counts as long as there is no other, and is cleared with the next one that is set.
 */
export function createCookies(settings: CookieSettings): Cookies {
  const base: CookieOptions = {
    httpOnly: true,
    secure: settings.issuer.startsWith('https:'),
    sameSite: 'lax',
    path: '/',
  };
  const token: Cookie = { name: cookieNames(settings).token, options: base };
  const session = sessionCookie(settings, base);
  const former = sessionCookie({ ...settings, inlineRefresh: !settings.inlineRefresh }, base);

  function shown(request: Request): { readonly current: string | undefined; readonly former: string | undefined } {
    const own = valuesOf(session.name, request);
    if (session.name !== former.name) return { current: own[0], former: valuesOf(former.name, request)[0] };
    // Of one name, the cookie of the longer path comes first (RFC 6265 section 5.4). A single one may be either.
    const [current, other] = settings.inlineRefresh ? own.toReversed() : own;
    return { current, former: other };
  }

  function clearFormer({ request, response }: Exchange): void {
    if (shown(request).former !== undefined) response.clearCookie(former.name, former.options);
  }

  return {
    set(grant, exchange) {
      const { response } = exchange;
      clearFormer(exchange);
      // Both last as long as the session: a browser that still has the expired token can have it refreshed.
      const maxAge = grant.session.expiresAt - grant.session.asOf;
      response.cookie(token.name, grant.access.token, { ...token.options, maxAge });
      response.cookie(session.name, grant.sessionToken, { ...session.options, maxAge });
    },
    clear(exchange) {
      const { response } = exchange;
      // Of one name, nobody can tell which it is that was shown.
      if (session.name === former.name) response.clearCookie(former.name, former.options);
      else clearFormer(exchange);
      response.clearCookie(token.name, token.options);
      response.clearCookie(session.name, session.options);
    },
    isShownBy(request) {
      const { current, former: other } = shown(request);
      return (current ?? other ?? valuesOf(token.name, request)[0]) !== undefined;
    },
    read(request) {
      const { current, former: other } = shown(request);
      return current ?? other;
    },
  };
}

function sessionCookie(settings: CookieSettings, base: CookieOptions): Cookie {
  return {
    name: cookieNames(settings).session,
    options: settings.inlineRefresh ? base : { ...base, path: OWN_PATH },
  };
}

/** In the order in which they came; a browser sends one for each path that they were set for. */
function valuesOf(name: string, { headers }: Request): readonly string[] {
  return (headers.cookie ?? '').split(';').flatMap((pair) => parse(pair)[name] ?? []);
}
