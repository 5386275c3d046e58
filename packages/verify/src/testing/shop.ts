import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';
import type { Express, Request } from 'express';
import { createVerifier, currentUserOf, userOf } from '../index.ts';
import type { Verifier, VerifierEvent } from '../index.ts';
import { FakeClock } from './fake-clock.ts';
import { claimsAt, signingKey, tokenOf } from './issuer.ts';
import type { SigningKey } from './issuer.ts';
import { consumerSecret, secretMount } from './secret-mount.ts';
import type { Asked, ServiceListener } from './service-listener.ts';

export const key: SigningKey = signingKey('k1');

/** A service behind the middleware, on a mounted Secret of its own. */
export interface Shop {
  readonly app: Express;
  readonly verifier: Verifier;
  readonly clock: FakeClock;
  readonly events: VerifierEvent[];
  readonly token: (changed?: object, signer?: typeof key) => string;
  readonly expired: (changed?: object) => string;
  /** Swaps the mounted Secret for one with these keys, and lets the verifier see it. */
  readonly mount: (keys: readonly SigningKey[]) => Promise<void>;
  /** Resolves when this many requests have reached the middleware. */
  readonly begun: (count: number) => Promise<void>;
}

const opened: AsyncDisposable[] = [];

export async function closeShops(): Promise<void> {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
}

interface ShopOptions {
  /** Whom it asks for new tokens; nobody else answers. */
  readonly auth?: ServiceListener;
  readonly isReady?: boolean;
}

export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  const { auth, isReady = true } = options;
  const secret = (keys: readonly SigningKey[]) => consumerSecret(keys, auth?.files);
  const mount = await secretMount(isReady ? secret([key]) : undefined);
  const clock = new FakeClock();
  const events: VerifierEvent[] = [];
  const verifier = createVerifier({
    directory: mount.directory,
    clock,
    feed: false,
    report: (event) => events.push(event),
  });
  opened.push({
    async [Symbol.asyncDispose]() {
      void verifier.close();
      await mount[Symbol.asyncDispose]();
    },
  });
  let count = 0;
  const arrivals = new EventEmitter();
  const app = express()
    .use((_request, _response, next) => {
      next();
      count += 1;
      arrivals.emit('arrived');
    })
    .get('/catalogue', verifier.currentUser(), (request, response) => {
      response.json({ user: currentUserOf(request)?.id ?? null, ...seenBy(request) });
    })
    .all('/orders', verifier.requireUser(), (request, response) => {
      response.json({ user: userOf(request).id, ...seenBy(request) });
    })
    .get('/both', verifier.currentUser(), verifier.requireUser(), (request, response) => {
      response.json({ user: userOf(request).id });
    })
    .get('/hidden', verifier.hideSession(), (request, response) => {
      response.json(seenBy(request));
    })
    .get('/unguarded', (request, response) => {
      response.json({ user: userOf(request).id });
    });
  app.use(errorAsText);
  const token = (changed = {}, signer = key) => tokenOf(signer, { ...claimsAt(clock), ...changed });
  const seconds = clock.now() / 1000;
  const expired = (changed = {}) => token({ iat: seconds - 1900, exp: seconds - 100, ...changed });
  const begun = async (expected: number): Promise<void> => {
    while (count < expected) await once(arrivals, 'arrived');
  };
  const swap = async (keys: readonly SigningKey[]): Promise<void> => {
    await mount.swap(secret(keys));
    clock.advance(1_000);
  };
  return { app, verifier, clock, events, token, expired, mount: swap, begun };
}

// eslint-disable-next-line max-params -- because Express tells an error handler by its four parameters
function errorAsText(error: unknown, _request: IncomingMessage, response: ServerResponse, _next: unknown): void {
  response.statusCode = 500;
  response.end(String(error));
}

/** Everything that a handler could read cookies from. */
export function seenBy({ headers, rawHeaders, headersDistinct }: Request): object {
  return { seen: JSON.stringify([headers, rawHeaders, headersDistinct]) };
}

export const fromPage: Readonly<Record<string, string>> = { 'sec-fetch-site': 'same-origin' };
export const cookies = (token: string, session?: string): string =>
  `theme=dark; __Host-token=${token}${session === undefined ? '' : `; __Host-session=${session}`}; lang=en`;

/** How long the session of `renewing` lasts. */
export const SESSION_EXPIRES_IN = 2_592_000;

type Answer = (response: ServerResponse, asked: Asked) => void;

/** Answers as the auth service does: the token for this session. */
export function renewing(token: string | ((sessionToken: string) => string)): Answer {
  return (response, asked) => {
    const text = typeof token === 'string' ? token : token(sessionOf(asked));
    const answer = {
      access_token: text,
      token_type: 'Bearer',
      expires_in: 1800,
      session_expires_in: SESSION_EXPIRES_IN,
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  };
}

/** Answers as the auth service does: no, for this reason. */
export function refusing(code = 'SESSION_INVALID', status = 403): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ status, code }));
  };
}

/** Whose token was asked for. */
export function sessionOf({ body }: Asked): string {
  return (JSON.parse(body) as { session_token: string }).session_token;
}
