import * as http from 'node:http';
import * as https from 'node:https';
import { cookieOf } from './cookies.ts';
import { RefreshUnavailable, SessionRefused } from './errors.ts';
import type { Trust } from './trust.ts';

export interface Refreshed {
  readonly token: string;
  /** For the browser: the new access token and the session's next token, as the auth service set them. */
  readonly setCookie: readonly string[];
}

const MAX_RETRY_AFTER_SECONDS = 60;

/**
 * Asks the auth service once. Throws SessionRefused when the session has ended, and RefreshUnavailable when there is no answer
 * to that.
 */
export async function askAuth(sessionToken: string, trust: Trust, signal: AbortSignal): Promise<Refreshed> {
  return read(await post(sessionToken, trust, signal), trust);
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
}

function post(sessionToken: string, trust: Trust, signal: AbortSignal): Promise<Answer> {
  const url = new URL(`${trust.authUrl}/api/users/refresh`);
  const { request } = url.protocol === 'https:' ? https : http;
  const headers = {
    accept: 'application/json',
    cookie: `${trust.cookieNames.session}=${sessionToken}`,
    origin: trust.origin,
    'content-length': 0,
  };
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      reject(new RefreshUnavailable({ cause }));
    };
    // A new connection each time: renewals are rare, and a kept one may lead to a pod that is gone.
    const options = { method: 'POST', headers, signal, agent: false, ...(trust.ca !== undefined && { ca: trust.ca }) };
    request(url, options, (response) => {
      response.once('error', fail).once('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers });
      });
      response.resume();
    })
      .once('error', fail)
      .end();
  });
}

function read({ status, headers }: Answer, { cookieNames }: Trust): Refreshed {
  // Only these two are about the session; any other failure leaves it open.
  if (status === 401 || status === 403) throw new SessionRefused();
  if (status !== 200) throw new RefreshUnavailable({ ...retryAfter(headers), cause: new Error(`status ${status}`) });

  const names = [cookieNames.token, cookieNames.session];
  const setCookie = (headers['set-cookie'] ?? []).filter((line) => names.includes(line.slice(0, line.indexOf('='))));
  const [token] = setCookie.flatMap((line) => cookieOf(line.split(';', 1)[0] ?? '', cookieNames.token) ?? []);
  if (token === undefined) throw new RefreshUnavailable({ cause: new Error('no access token in the answer') });
  return { token, setCookie };
}

function retryAfter(headers: http.IncomingHttpHeaders): { retryAfterSeconds?: number } {
  const text = headers['retry-after'] ?? '';
  // The other form, a date, is not one that the auth service sends.
  if (!/^[1-9]\d{0,8}$/.test(text)) return {};
  return { retryAfterSeconds: Math.min(Number(text), MAX_RETRY_AFTER_SECONDS) };
}
