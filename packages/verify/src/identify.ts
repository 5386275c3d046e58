import type { IncomingMessage, ServerResponse } from 'node:http';
import { claimedSessionOf } from './claimed-session.ts';
import { cookieOf, removeCookies } from './cookies.ts';
import { mayUseCookies } from './csrf.ts';
import {
  AuthorizationMalformed,
  CsrfRejected,
  InlineRefreshOff,
  RefreshUnavailable,
  SessionRefused,
  TokenExpired,
  TokenKeyUnknown,
  Unauthenticated,
  VerifierNotReady,
  VerifyError,
} from './errors.ts';
import type { Identity } from './identity.ts';
import { knownOf } from './known.ts';
import type { Refresher, Renewal } from './refresh.ts';
import type { Trust } from './trust.ts';
import type { User } from './user.ts';

export type RefreshOutcome = 'refreshed' | 'refused' | 'unavailable';

export interface IdentifyPorts {
  readonly trust: () => Trust | undefined;
  readonly verify: (token: string) => User;
  readonly refresher: Refresher;
  readonly refreshEnded: (outcome: RefreshOutcome, reason?: string) => void;
}

/** Until the mounted Secret is read; `session` is a name that services use for cookies of their own. */
const possibleSessionNames = ['__Host-session', '__Secure-session', 'session'];
/** After a change of `inlineRefresh` browsers still send the other one. */
const formerSessionNames = ['__Host-session', '__Secure-session'];

/** Whoever has the session token can renew tokens, so no handler of a service ever sees it. */
export function hideSession(request: IncomingMessage, trust: Trust | undefined): void {
  const { cookie } = request.headers;
  if (cookie === undefined) return;
  const session = trust?.cookieNames.session;
  for (const name of session === undefined ? possibleSessionNames : [session]) {
    const token = cookieOf(cookie, name);
    if (token === undefined) continue;
    knownOf(request).sessionToken = token;
    break;
  }
  removeCookies(request, hiddenNames(session));
}

function hiddenNames(session: string | undefined): readonly string[] {
  if (session === undefined) return possibleSessionNames;
  return formerSessionNames.includes(session) ? formerSessionNames : [session, ...formerSessionNames];
}

/**
 * Where `Authorization` is present, it alone counts; otherwise the cookie, renewed if its token has expired. Only who has to be
 * renewed is waited for: a promise for each request would cost as much as all the rest.
 */
export function identify(
  request: IncomingMessage,
  response: ServerResponse,
  ports: IdentifyPorts,
): Identity | Promise<Identity> {
  const trust = ports.trust();
  hideSession(request, trust);
  const { authorization } = request.headers;
  if (authorization !== undefined) return identityFrom('refused', () => ports.verify(bearerOf(authorization)));
  if (!trust) return { state: 'nobody', why: new VerifierNotReady() };

  const token = cookieOf(request.headers.cookie ?? '', trust.cookieNames.token);
  if (token === undefined) return { state: 'nobody', why: new Unauthenticated() };
  if (!mayUseCookies(request, trust.origin)) return { state: 'refused', why: new CsrfRejected() };

  const identity = identityFrom('nobody', () => ports.verify(token));
  if (identity.state === 'user') return identity;
  const { sessionToken } = knownOf(request);
  if (sessionToken === undefined) return identity;
  const session = sessionBehind(token, identity.why, trust);
  if (!session) return identity;
  return renewed({ sessionToken, ...session, trust }, response, ports).then(
    (user) => ({ state: 'user', user }),
    (error: unknown) => (error instanceof InlineRefreshOff ? identity : nobodyFor(error)),
  );
}

/**
 * Of a token that has ended, by its time or with its key. Of any other that is refused nothing is renewed: it was never good.
 */
function sessionBehind(token: string, why: VerifyError, trust: Trust): Pick<Renewal, 'sid' | 'isProven'> | undefined {
  if (why instanceof TokenExpired) return { sid: why.claims.sid, isProven: true };
  if (!(why instanceof TokenKeyUnknown)) return undefined;
  const sid = claimedSessionOf(token, trust);
  return sid === undefined ? undefined : { sid, isProven: false };
}

async function renewed(renewal: Renewal, response: ServerResponse, ports: IdentifyPorts): Promise<User> {
  try {
    const { token, setCookie } = await ports.refresher.refresh(renewal);
    const user = verifiedNew(token, renewal, ports);
    // The two cookies are of different sessions, so nobody can tell whose request this is.
    if (user.sessionId !== renewal.sid) throw ports.refresher.ofAnotherSession(renewal);
    handOn(setCookie, response);
    ports.refreshEnded('refreshed');
    return user;
  } catch (error) {
    if (error instanceof SessionRefused) ports.refreshEnded('refused');
    if (error instanceof RefreshUnavailable) ports.refreshEnded('unavailable', reasonOf(error.cause));
    if (error instanceof InlineRefreshOff) ports.refreshEnded('unavailable', reasonOf(error));
    throw error;
  }
}

function handOn(setCookie: string, response: ServerResponse): void {
  // A time limit of the service's own answered meanwhile.
  if (response.headersSent) return;
  response.setHeader('cache-control', 'no-store');
  response.appendHeader('set-cookie', setCookie);
}

/** If a token straight from the auth service is invalid here, this service lacks its key yet: not the user's fault. */
function verifiedNew(token: string, { trust }: Renewal, { verify, refresher }: IdentifyPorts): User {
  try {
    return verify(token);
  } catch (cause) {
    if (cause instanceof TokenKeyUnknown) refresher.lacksNewKey(trust);
    throw new RefreshUnavailable({ cause });
  }
}

function identityFrom(otherwise: 'nobody' | 'refused', verify: () => User): Identity {
  try {
    return { state: 'user', user: verify() };
  } catch (error) {
    if (error instanceof VerifyError) return { state: otherwise, why: error };
    throw error;
  }
}

function nobodyFor(error: unknown): Identity {
  if (error instanceof VerifyError) return { state: 'nobody', why: error };
  throw error;
}

function bearerOf(authorization: string): string {
  const [, token] = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization) ?? [];
  if (token === undefined) throw new AuthorizationMalformed();
  return token;
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
