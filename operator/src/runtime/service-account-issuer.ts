import { ApiError } from './client.ts';
import type { ApiClient } from './client.ts';
import { wait } from './clock.ts';
import type { Clock } from './clock.ts';
import { sameJson } from './json.ts';
import { messageOf } from './log.ts';
import type { Millis } from './objects.ts';

/*
 * Who signs the tokens of ServiceAccounts, and with which keys, as the API server tells
 * (kubernetes.io/docs: "ServiceAccount issuer discovery"). The role system:service-account-issuer-discovery gives the right.
 */

export const DISCOVERY_PATH = '/.well-known/openid-configuration';
export const KEYS_PATH = '/openid/v1/jwks';

/** A public JSON Web Key (RFC 7517), as it came. */
export interface IssuerKey {
  readonly kid: string;
  readonly [member: string]: unknown;
}

export type SeenIssuer =
  | { readonly state: 'known'; readonly issuer: string; readonly keys: readonly IssuerKey[] }
  /** The account of this process may not read it. */
  | { readonly state: 'forbidden'; readonly path: string }
  /** The API server has not answered with one yet. */
  | { readonly state: 'unreadable'; readonly why: string };

export interface ServiceAccountIssuer {
  /** As it was last read, at most a minute ago; the first who asks waits for it. */
  current(call: { readonly signal: AbortSignal }): Promise<SeenIssuer>;
  /** Reads it again and again, while somebody needs it. */
  run(signal: AbortSignal): Promise<void>;
}

export interface ServiceAccountIssuerOptions {
  readonly client: Pick<ApiClient, 'send'>;
  readonly clock: Clock;
  readonly isNeeded: () => boolean;
  /** What `current` answers is another one from now on. */
  readonly onChange: () => void;
}

/** A key is published before it signs, but nothing announces it. */
const READ_AGAIN: Millis = 60_000;

export function createServiceAccountIssuer(options: ServiceAccountIssuerOptions): ServiceAccountIssuer {
  const { client, clock, isNeeded, onChange } = options;
  let seen: SeenIssuer | undefined;

  async function read(signal: AbortSignal): Promise<SeenIssuer> {
    const before = seen;
    const found = await readIssuer(client, signal);
    // An API server that is away takes nothing back.
    seen = found.state === 'unreadable' && before?.state === 'known' ? before : found;
    if (before && !sameJson(before, seen)) onChange();
    return seen;
  }

  return {
    current: async ({ signal }) => seen ?? read(signal),
    async run(signal) {
      try {
        for (;;) {
          await wait(clock, READ_AGAIN, signal);
          if (isNeeded()) await read(signal);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}

async function readIssuer(client: Pick<ApiClient, 'send'>, signal: AbortSignal): Promise<SeenIssuer> {
  let path = DISCOVERY_PATH;
  try {
    const { issuer } = await client.send<{ readonly issuer?: unknown }>({ method: 'GET', path, signal });
    path = KEYS_PATH;
    const accept = 'application/jwk-set+json';
    const { keys } = await client.send<{ readonly keys?: unknown }>({ method: 'GET', path, accept, signal });
    if (typeof issuer !== 'string') return { state: 'unreadable', why: `${DISCOVERY_PATH} names no issuer` };
    if (!Array.isArray(keys)) return { state: 'unreadable', why: `${KEYS_PATH} holds no keys` };
    return { state: 'known', issuer, keys: (keys as readonly unknown[]).filter(isKey) };
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return { state: 'forbidden', path };
    return { state: 'unreadable', why: messageOf(error) };
  }
}

function isKey(value: unknown): value is IssuerKey {
  const kid = typeof value === 'object' && value !== null ? (value as { readonly kid?: unknown }).kid : undefined;
  return typeof kid === 'string' && kid !== '';
}
