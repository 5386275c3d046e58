import { createHash } from 'node:crypto';
import { isApiError } from './client.ts';
import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import { eventKind } from './core-kinds.ts';
import { messageOf } from './log.ts';
import type { Log } from './log.ts';
import type { KubernetesObject, Millis } from './objects.ts';
import { collectionPath, kindKey, objectPath } from './paths.ts';
import { PerObject } from './per-object.ts';
import type { ObjectSource } from './per-object.ts';
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
  /** By `kindKey`: what was recorded about an object is remembered for as long as that is there. */
  readonly sources: ReadonlyMap<string, ObjectSource>;
}

/** A repeat within this span only counts up, and is written at most this often. */
const QUIET: Millis = 60_000;
/** Afterwards the same text is an event of its own again. */
const FORGET: Millis = 3_600_000;

/** client-go's spam filter: so many new events at once about one object, and then one more in each span. */
const BURST = 25;
const REFILL: Millis = 300_000;

interface Recorded {
  readonly name: string;
  writtenAt: Millis;
  count: number;
}

/** What was recorded about one object. */
interface History {
  readonly uid: string | undefined;
  readonly recorded: Map<string, Recorded>;
  /** How many new events may still be written, as of `at`. */
  budget: { readonly left: number; readonly at: Millis };
}

const nothingKnown: ObjectSource = { get: () => undefined, onChange: () => undefined };

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new LiveEventRecorder(options);
}

class LiveEventRecorder implements EventRecorder {
  private readonly options: EventRecorderOptions;
  /** By `kindKey`. */
  private readonly histories: Map<string, PerObject<History>> = new Map();

  constructor(options: EventRecorderOptions) {
    this.options = options;
  }

  record(regarding: KubernetesObject, event: ReportedEvent): void {
    const now = this.options.clock.now();
    const history = this.historyOf(regarding, now);
    const key = JSON.stringify([regarding.metadata.uid, event.type, event.reason, event.message]);
    const before = history.recorded.get(key);
    if (before) {
      before.count += 1;
      if (now - before.writtenAt >= QUIET) this.repeat(regarding, { key, recorded: before, history });
      return;
    }
    if (!maySpend(history, now)) return;
    const suffix = createHash('sha256').update(`${key}${now}`).digest('hex').slice(0, 16);
    const name = `${regarding.metadata.name}.${suffix}`;
    history.recorded.set(key, { name, writtenAt: now, count: 1 });
    void this.create(regarding, event, name);
  }

  private historyOf(regarding: KubernetesObject, now: Millis): History {
    const { clock, sources } = this.options;
    const { uid } = regarding.metadata;
    const kind = kindKey(regarding);
    const ofKind = this.histories.get(kind) ?? new PerObject<History>(sources.get(kind) ?? nothingKnown, { clock });
    this.histories.set(kind, ofKind);
    const known = ofKind.get(regarding.metadata);
    const history: History =
      known && known.uid === uid ? known : { uid, recorded: new Map(), budget: { left: BURST, at: now } };
    for (const [key, { writtenAt }] of history.recorded) if (now - writtenAt > FORGET) history.recorded.delete(key);
    ofKind.set(regarding.metadata, history);
    return history;
  }

  private async create(regarding: KubernetesObject, event: ReportedEvent, name: string): Promise<void> {
    const { client, log } = this.options;
    const namespace = regarding.metadata.namespace ?? 'default';
    const body = { ...this.eventOf(regarding, event), metadata: { name, namespace } };
    const path = collectionPath(eventKind, namespace);
    const signal = AbortSignal.timeout(10_000);
    await client.send({ method: 'POST', path, body, signal }).catch((error: unknown) => {
      log.debug({ error: messageOf(error) }, `event ${event.reason} was not written`);
    });
  }

  private eventOf({ apiVersion, kind, metadata }: KubernetesObject, { type, reason, message }: ReportedEvent): object {
    const { clock, controller, instance } = this.options;
    const { name, namespace, uid } = metadata;
    return {
      apiVersion: eventKind.apiVersion,
      kind: eventKind.kind,
      eventTime: microTime(clock.now()),
      type,
      reason,
      // The API's limit, core/v1 Event.
      note: message.slice(0, 1024),
      action: 'Reconcile',
      reportingController: controller,
      reportingInstance: instance,
      regarding: {
        apiVersion,
        kind,
        name,
        ...(namespace !== undefined && { namespace }),
        ...(uid !== undefined && { uid }),
      },
    };
  }

  private repeat(regarding: KubernetesObject, { key, recorded, history }: Repeated): void {
    recorded.writtenAt = this.options.clock.now();
    void this.count(regarding, recorded).then((isThere) => {
      // Somebody removed it, so the next time is a first time.
      if (!isThere && history.recorded.get(key) === recorded) history.recorded.delete(key);
    });
  }

  /** Whether the event was still there to be counted up. */
  private async count({ metadata }: KubernetesObject, { name, count }: Recorded): Promise<boolean> {
    const { client, clock, log } = this.options;
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

interface Repeated {
  readonly key: string;
  readonly recorded: Recorded;
  readonly history: History;
}

function maySpend(history: History, now: Millis): boolean {
  const { left, at } = history.budget;
  const refilled = Math.min(BURST, left + (now - at) / REFILL);
  if (refilled < 1) return false;
  history.budget = { left: refilled - 1, at: now };
  return true;
}

/** meta/v1 MicroTime: six fractional digits. */
export function microTime(millis: Millis): string {
  return new Date(millis).toISOString().replace(/Z$/, '000Z');
}
