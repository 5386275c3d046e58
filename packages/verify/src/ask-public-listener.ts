import * as http from 'node:http';
import * as https from 'node:https';
import { isIP } from 'node:net';
import type { Socket } from 'node:net';
import * as tls from 'node:tls';
import { connectTo } from './connect.ts';
import type { Refreshed } from './ask-auth.ts';
import type { ConnectOptions, Target } from './connect.ts';
import { cookieOf } from './cookies.ts';
import { RefreshUnavailable, SessionRefused } from './errors.ts';
import type { Trust } from './trust.ts';

const MAX_RETRY_AFTER_SECONDS = 60;

/**
 * Asks the auth service once, as its public listener takes it: for Secrets of operators that know no listener for services. Throws SessionRefused when the session has ended, and RefreshUnavailable when there is no answer
 * to that.
 */
export async function askPublicListener(
  sessionToken: string,
  trust: Trust,
  options: ConnectOptions,
): Promise<Refreshed> {
  return read(await post(sessionToken, trust, options), trust);
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
}

async function post(sessionToken: string, trust: Trust, options: ConnectOptions): Promise<Answer> {
  const url = new URL(`${trust.authUrl}/api/users/refresh`);
  const { request } = url.protocol === 'https:' ? https : http;
  const target = targetOf(url);
  // A new connection each time: renewals are rare, and a kept one may lead to a pod that is gone.
  const connected = await connectTo(target, options);
  const createConnection = (): Socket => (url.protocol === 'https:' ? encrypted(connected, target, trust) : connected);
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
    request(url, { method: 'POST', headers, signal: options.signal, createConnection }, (response) => {
      response.once('error', fail).once('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers });
      });
      response.resume();
    })
      .once('error', fail)
      .end();
  });
}

function targetOf({ hostname, port, protocol }: URL): Target {
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return { host, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
}

function encrypted(socket: Socket, { host }: Target, { ca }: Trust): Socket {
  return tls.connect({ socket, host, servername: isIP(host) === 0 ? host : '', ...(ca !== undefined && { ca }) });
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
