import type { IncomingHttpHeaders } from 'node:http';
import { bodyOf } from './body.ts';
import { InlineRefreshOff, RefreshUnavailable, SessionRefused } from './errors.ts';
import { isRecord, parseJson } from './json.ts';
import { serviceApi } from './service-api.ts';
import type { ServiceClient } from './service-client.ts';
import type { Trust } from './trust.ts';

export interface Refreshed {
  readonly token: string;
  /** For the browser: its access token from now on. */
  readonly setCookie: string;
}

export interface AskOptions {
  readonly client: ServiceClient;
  readonly signal: AbortSignal;
}

const MAX_RETRY_AFTER_SECONDS = 60;
/** Of a problem; for logs, so nothing else is. */
const CODE = /^[A-Z_]{1,64}$/;
const MAX_ANSWER_BYTES = 65_536;
/** What a browser keeps a cookie for at most (RFC 6265bis). */
const MAX_AGE_SECONDS = 400 * 86_400;

/**
 * Asks the auth service once. Throws SessionRefused when the session has ended, InlineRefreshOff when no service may renew
 * tokens, and anything else when there is no answer to that.
 */
export async function askAuth(sessionToken: string, trust: Trust, { client, signal }: AskOptions): Promise<Refreshed> {
  const body = { session_token: sessionToken };
  const response = await client.send({ method: 'POST', path: serviceApi.refreshPath, body, signal }, trust);
  const { statusCode, headers } = response;
  const answer = parseJson(await bodyOf(response, MAX_ANSWER_BYTES));
  if (statusCode !== 200) throw failureFrom({ statusCode, headers, problem: answer });
  return renewedBy(answer, trust);
}

interface Failure {
  readonly statusCode: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly problem: unknown;
}

/** Only some codes of a 403 are about the session; whatever else fails or refuses leaves it open. */
function failureFrom({ statusCode, headers, problem }: Failure): Error {
  const code = isRecord(problem) ? problem['code'] : undefined;
  if (statusCode === 403 && code === serviceApi.inlineRefreshOff) return new InlineRefreshOff();
  const isOfSession = serviceApi.sessionRefusals.some((refusal) => refusal === code);
  if (statusCode === 403 && isOfSession) return new SessionRefused();
  const named = typeof code === 'string' && CODE.test(code) ? ` ${code}` : '';
  return new RefreshUnavailable({ ...retryAfter(headers), cause: new Error(`status ${statusCode}${named}`) });
}

function renewedBy(answer: unknown, { cookieNames }: Trust): Refreshed {
  const { access_token: token, session_expires_in: seconds } = isRecord(answer) ? answer : {};
  if (typeof token !== 'string' || token === '') {
    throw new RefreshUnavailable({ cause: new Error('no access token in the answer') });
  }
  if (!Number.isInteger(seconds) || Number(seconds) <= 0) {
    throw new RefreshUnavailable({ cause: new Error('the answer does not say how long the session lasts') });
  }
  return { token, setCookie: tokenCookie(cookieNames.token, token, Math.min(Number(seconds), MAX_AGE_SECONDS)) };
}

/**
 * As the auth service sets it, or a browser would hold two of that name. It lasts as long as the session: a browser that still
 * has an expired token can have it renewed.
 */
function tokenCookie(name: string, token: string, maxAge: number): string {
  // Of the names that the auth service gives it, the one with a prefix is for https, and the prefix demands this attribute.
  const secure = name.startsWith('__') ? '; Secure' : '';
  return `${name}=${token}; Max-Age=${maxAge}; Path=/; HttpOnly${secure}; SameSite=Lax`;
}

function retryAfter(headers: IncomingHttpHeaders): { retryAfterSeconds?: number } {
  const text = headers['retry-after'] ?? '';
  // The other form, a date, is not one that the auth service sends.
  if (!/^[1-9]\d{0,8}$/.test(text)) return {};
  return { retryAfterSeconds: Math.min(Number(text), MAX_RETRY_AFTER_SECONDS) };
}
