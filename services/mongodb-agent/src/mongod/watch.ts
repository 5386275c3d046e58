import type { Subscribe, Subscriber } from '@authstack/http-service/operator-server';
import { Long } from 'mongodb';
import type { Logger } from 'pino';
import { agentContract } from '../api.ts';
import type { WatchedMongod } from '../api.ts';
import type { Clock } from '../clock.ts';
import { Refusal } from '../errors.ts';
import type { Mongod } from './connection.ts';
import { helloReply } from './replies.ts';

export interface MongodWatch {
  /** Sends the last line at once; the same line again is a heartbeat. */
  readonly subscribe: Subscribe;
  /** Watches until `signal` aborts, and then ends every subscription. */
  run(signal: AbortSignal): Promise<void>;
}

export interface MongodWatchDeps {
  readonly mongod: Mongod;
  readonly clock: Clock;
  readonly log: Logger;
}

/** mongod answers within this time also when nothing has changed. */
const ANSWERS_AFTER = 5_000;
const LOOK_AGAIN = 250;
/** Each try signs in anew, and mongod logs it. */
const TRY_AGAIN = 1_000;

/**
 * Knows the moment mongod ends, because a request that mongod holds breaks off, and then its port refuses; and the moment
 * its role changes, because mongod answers that request then. A mongod that is silent is never taken for one that has ended.
 */
export function createMongodWatch({ mongod, clock, log }: MongodWatchDeps): MongodWatch {
  const subscribers = new Set<Subscriber>();
  let last = JSON.stringify({ mongod: 'unknown', role: 'unknown' } satisfies WatchedMongod);

  function report(seen: WatchedMongod): void {
    const line = JSON.stringify(seen);
    if (line === last) return;
    last = line;
    tell();
  }

  function tell(): void {
    for (const subscriber of subscribers) subscriber.line(last);
  }

  async function watch(signal: AbortSignal): Promise<void> {
    let known: TopologyVersion;
    while (!signal.aborted) {
      try {
        if ((await mongod.port()) === 'refuses') {
          known = undefined;
          report({ mongod: 'ended', role: 'neither' });
          await clock.sleep(LOOK_AGAIN, signal);
          continue;
        }
        const { topologyVersion, ...reply } = await hello(mongod, known, signal);
        known = topologyVersion;
        report({ mongod: 'runs', role: roleIn(reply) });
        // One that cannot hold the request is asked now and then.
        if (!known) await clock.sleep(TRY_AGAIN, signal);
      } catch (error) {
        known = undefined;
        if (!(error instanceof Refusal)) log.error({ err: error }, 'mongod could not be watched');
        if ((await mongod.port()) !== 'refuses') await clock.sleep(TRY_AGAIN, signal).catch(() => undefined);
      }
    }
  }

  async function beat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(agentContract.heartbeatMillis, signal).catch(() => undefined);
      tell();
    }
  }

  return {
    subscribe: (subscriber) => {
      subscribers.add(subscriber);
      subscriber.line(last);
      return () => subscribers.delete(subscriber);
    },
    run: async (signal) => {
      await Promise.all([watch(signal), beat(signal)]);
      for (const subscriber of subscribers) subscriber.end();
    },
  };
}

type TopologyVersion = ReturnType<typeof helloReply.parse>['topologyVersion'];

async function hello(
  mongod: Mongod,
  ...[known, signal]: [known: TopologyVersion, signal: AbortSignal]
): Promise<ReturnType<typeof helloReply.parse>> {
  const wait = known && {
    topologyVersion: { processId: known.processId, counter: Long.fromNumber(known.counter) },
    maxAwaitTimeMS: ANSWERS_AFTER,
  };
  const options = { timeoutMillis: 2 * ANSWERS_AFTER, signal };
  return helloReply.parse(await mongod.command({ hello: 1, ...wait }, options));
}

function roleIn({
  isWritablePrimary,
  secondary,
}: {
  readonly isWritablePrimary: boolean;
  readonly secondary: boolean;
}): WatchedMongod['role'] {
  if (isWritablePrimary) return 'primary';
  return secondary ? 'secondary' : 'neither';
}
