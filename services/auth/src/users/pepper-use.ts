import { pause } from '@authstack/http-service/clock';
import type { Clock, Millis } from '@authstack/http-service/clock';
import type { Logger } from 'pino';
import type { Metrics } from '../metrics/metrics.ts';
import type { KeySet, Secrets } from '../secrets/secrets.ts';
import type { PasswordStore } from './user.ts';

export interface PepperUsePorts {
  readonly users: Pick<PasswordStore, 'countByPepper'>;
  readonly secrets: () => Secrets | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'passwordHashes'>;
}

const EVERY: Millis = 60_000;
const RETRY_AFTER: Millis = 5_000;
/** Of the time, at most this part is spent counting. */
const SHARE = 0.01;

/** Keeps the metric that says when a pepper may go. */
export async function keepCountingPeppers(ports: PepperUsePorts, signal: AbortSignal): Promise<void> {
  let reported = '';
  while (!signal.aborted) {
    const began = ports.clock.monotonic();
    const lacking = await count(ports).catch(() => undefined);
    if (lacking !== undefined && lacking !== reported && lacking !== '') {
      ports.log.error(
        { peppers: lacking },
        'stored passwords need peppers that are not among the secrets; put them back',
      );
    }
    reported = lacking ?? reported;
    const took = ports.clock.monotonic() - began;
    await pause(ports.clock, lacking === undefined ? RETRY_AFTER : Math.max(EVERY, took / SHARE), signal);
  }
}

/** Answers the peppers that are needed and not loaded; undefined where nothing can be said. */
async function count({ users, secrets, metrics }: PepperUsePorts): Promise<string | undefined> {
  const ring = secrets()?.pepper;
  if (!ring) return undefined;
  const needed = await users.countByPepper(ring.current.id);
  metrics.passwordHashes.reset();
  for (const [pepper, hashes] of countsOf(ring, needed)) {
    metrics.passwordHashes.set({ pepper, loaded: String(ring.find(pepper) !== undefined) }, hashes);
  }
  return [...needed.keys()].filter((id) => !ring.find(id)).join(', ');
}

/** A pepper of the ring that nobody needs any more counts 0. */
function countsOf(ring: KeySet, needed: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  return new Map([...ring.ids.map((id) => [id, 0] as const), ...needed]);
}
