import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { json } from 'node:stream/consumers';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';
import { createVerifier } from '../../packages/verify/src/index.ts';
import type { ConsumerReport, ConsumerSettings, Refusal, Token } from './consumers.ts';
import { serveProgram, settingsOfProgram } from './program.ts';

/*
 * A service that verifies tokens: each new one at once, and all that have not expired again and again. Those of a revoked key are
 * tried apart, to see until when they are accepted.
 */

interface Service {
  /** Throws, or rejects, where the token is refused. */
  readonly verify: (token: string) => unknown;
  readonly kids: () => readonly string[];
}

const settings = settingsOfProgram() as ConsumerSettings;
const TICK = 20;
const REFUSALS_SHOWN = 5;

const service = settings.by === 'verify' ? byVerify(settings) : await byKeySet(settings);
const verified: Record<string, number> = {};
const lastAccepted: Record<string, number> = {};
const knownSince: Record<string, number> = {};
const refusals: Refusal[] = [];
const revoked = new Set<string>();
let refused = 0;
let tokens: Token[] = [];
let next = 0;

function byVerify({ directory, feed, cacheSize }: Extract<ConsumerSettings, { by: 'verify' }>): Service {
  const verifier = createVerifier({
    ...{ directory, feed, cacheSize },
    report: (event) => {
      console.log(JSON.stringify({ at: Date.now(), event }));
    },
  });
  return {
    verify: (token) => verifier.verify(token),
    kids: () => {
      const { status } = verifier;
      const isReady = status.state === 'ready' && (!feed || status.feed.state === 'connected');
      return isReady ? status.kids : [];
    },
  };
}

/** As any OAuth resource server may do it: the key set is kept for as long as its header allows, and fetched again. */
async function byKeySet({
  hosts,
  port,
  path,
  issuer,
  audience,
}: Extract<ConsumerSettings, { by: 'jwks' }>): Promise<Service> {
  let keys: JSONWebKeySet = { keys: [] };
  let keyOf = createLocalJWKSet(keys);
  const fetchKeys = async (): Promise<void> => {
    const host = hosts[Math.floor(Math.random() * hosts.length)];
    const [answer] = (await once(request({ host, port, path }).end(), 'response')) as [IncomingMessage];
    const maxAge = /max-age=(\d+)/.exec(answer.headers['cache-control'] ?? '')?.[1];
    if (answer.statusCode !== 200 || maxAge === undefined) throw new Error('the key set cannot be cached');
    keys = (await json(answer)) as JSONWebKeySet;
    keyOf = createLocalJWKSet(keys);
    setTimeout(() => void fetchKeys(), Number(maxAge) * 1000);
  };
  await fetchKeys();
  return {
    verify: (token) => jwtVerify(token, keyOf, { issuer, audience, typ: 'at+jwt' }),
    kids: () => keys.keys.map(({ kid = '' }) => kid),
  };
}

async function accepts({ text }: Token): Promise<string | undefined> {
  try {
    await service.verify(text);
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

async function verify(token: Token): Promise<void> {
  const why = await accepts(token);
  const now = Date.now();
  const { kid, until } = token;
  if (why === undefined) lastAccepted[kid] = now;
  if (revoked.has(kid) || now >= until) return;
  if (why === undefined) verified[kid] = (verified[kid] ?? 0) + 1;
  else {
    refused += 1;
    if (refusals.length < REFUSALS_SHOWN) refusals.push({ kid, why, at: now, kids: service.kids() });
  }
}

function noteKids(): void {
  for (const kid of service.kids()) knownSince[kid] ??= Date.now();
}

async function work(): Promise<never> {
  let workedAt = performance.now();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, TICK));
    noteKids();
    const now = performance.now();
    // What a busy machine leaves out is not made up for.
    const due = Math.round((Math.min(now - workedAt, 10 * TICK) / 1000) * settings.perSecond);
    workedAt = now;
    tokens = tokens.filter(({ until }) => Date.now() < until);
    const [stolen] = tokens.filter(({ kid }) => revoked.has(kid)).slice(-1);
    if (stolen) await verify(stolen);
    const valid = tokens.filter(({ kid }) => !revoked.has(kid));
    for (let count = 0; count < due; count += 1) {
      const token = valid[next % valid.length];
      next += 1;
      if (token) await verify(token);
    }
  }
}

serveProgram({
  '/ready': () => {
    if (service.kids().length === 0) throw new Error('it has no keys yet, or is not connected');
  },
  '/tokens': async (body) => {
    const fresh = body as readonly Token[];
    noteKids();
    for (const token of fresh) await verify(token);
    tokens.push(...fresh);
  },
  '/revoked': (body) => {
    revoked.add((body as { readonly kid: string }).kid);
  },
  '/report': (): ConsumerReport => ({
    ...{ verified, lastAccepted, knownSince, refused, refusals, kids: service.kids() },
  }),
});
void work();
