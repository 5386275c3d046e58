import { createHash } from 'node:crypto';
import { isApiError } from './client.ts';
import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import { messageOf } from './log.ts';
import type { Log } from './log.ts';
import type { Kind, KubernetesObject, Millis } from './objects.ts';
import { collectionPath, objectPath } from './paths.ts';
import type { ReportedEvent } from './reconciler.ts';

export interface EventRecorder {
  /** Never throws and never waits: an event that cannot be written is logged. */
  record(regarding: KubernetesObject, event: ReportedEvent): void;
}

export interface EventRecorderOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Name of the controller, `authstack.dev/operator`. */
  readonly controller: string;
  /** Name of this process, its pod. */
  readonly instance: string;
}

const eventKind: Kind = { apiVersion: 'events.k8s.io/v1', kind: 'Event', plural: 'events', namespaced: true };

/** A repeat within this span only counts up, and is written at most this often. */
const QUIET: Millis = 60_000;
/** Afterwards the same text is an event of its own again. */
const FORGET: Millis = 3_600_000;

/** client-go's spam filter: so many new events at once about one object, and then one more in each span. */
const BURST = 25;
const REFILL: Millis = 300_000;

interface Told {
  readonly name: string;
  writtenAt: Millis;
  count: number;
}

interface Budget {
  left: number;
  at: Millis;
}

export function createEventRecorder({ client, clock, log, controller, instance }: EventRecorderOptions): EventRecorder {
  const told = new Map<string, Told>();
  const budgets = new Map<string, Budget>();

  return {
    record(regarding, event) {
      const now = clock.now();
      forget(now);
      const key = JSON.stringify([regarding.metadata.uid, event.type, event.reason, event.message]);
      const before = told.get(key);
      if (before) {
        before.count += 1;
        if (now - before.writtenAt < QUIET) return;
        before.writtenAt = now;
        void repeat(regarding, before).then((found) => {
          // Somebody removed it, so the next time is a first time.
          if (!found && told.get(key) === before) told.delete(key);
        });
        return;
      }
      if (!maySpend(regarding.metadata.uid ?? '', now)) return;
      const suffix = createHash('sha256').update(`${key}${now}`).digest('hex').slice(0, 16);
      const name = `${regarding.metadata.name}.${suffix}`;
      told.set(key, { name, writtenAt: now, count: 1 });
      void write(regarding, event, name);
    },
  };

  function forget(now: Millis): void {
    for (const [key, { writtenAt }] of told) if (now - writtenAt > FORGET) told.delete(key);
    for (const [uid, { left, at }] of budgets) if (left + (now - at) / REFILL >= BURST) budgets.delete(uid);
  }

  function maySpend(uid: string, now: Millis): boolean {
    const { left, at } = budgets.get(uid) ?? { left: BURST, at: now };
    const refilled = Math.min(BURST, left + (now - at) / REFILL);
    if (refilled < 1) return false;
    budgets.set(uid, { left: refilled - 1, at: now });
    return true;
  }

  async function write(regarding: KubernetesObject, { type, reason, message }: ReportedEvent, name: string) {
    const { metadata } = regarding;
    const namespace = metadata.namespace ?? 'default';
    const body = {
      apiVersion: eventKind.apiVersion,
      kind: eventKind.kind,
      metadata: { name, namespace },
      eventTime: microTime(clock.now()),
      type,
      reason,
      // The API's limit, core/v1 Event.
      note: message.slice(0, 1024),
      action: 'Reconcile',
      reportingController: controller,
      reportingInstance: instance,
      regarding: {
        apiVersion: regarding.apiVersion,
        kind: regarding.kind,
        name: metadata.name,
        ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
        ...(metadata.uid !== undefined && { uid: metadata.uid }),
      },
    };
    const path = collectionPath(eventKind, namespace);
    const signal = AbortSignal.timeout(10_000);
    await client.send({ method: 'POST', path, body, signal }).catch((error: unknown) => {
      log.debug({ error: messageOf(error) }, `event ${reason} was not written`);
    });
  }

  /** Whether the event was still there to be counted up. */
  async function repeat({ metadata }: KubernetesObject, { name, count }: Told): Promise<boolean> {
    const namespace = metadata.namespace ?? 'default';
    const body = { series: { count, lastObservedTime: microTime(clock.now()) } };
    const path = objectPath(eventKind, { namespace, name });
    const request = { method: 'PATCH', path, body, contentType: 'application/merge-patch+json' } as const;
    try {
      await client.send({ ...request, signal: AbortSignal.timeout(10_000) });
      return true;
    } catch (error) {
      if (isApiError(error, 404)) return false;
      log.debug({ error: messageOf(error) }, 'a repeated event was not counted');
      return true;
    }
  }
}

/** meta/v1 MicroTime: six fractional digits. */
export function microTime(millis: Millis): string {
  return new Date(millis).toISOString().replace(/Z$/, '000Z');
}
