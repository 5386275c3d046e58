import { authConsumerKind } from '../api/auth-consumer.ts';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { CONSUMERS_BY_STACK } from '../api/names.ts';
import type { ReasonOf } from '../api/reasons.ts';
import type { Plan } from '../planning.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { counted, listed } from '../runtime/listed.ts';
import { keyOf, refOf } from '../runtime/objects.ts';
import type { Condition, ConditionStatus, Millis } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';

/*
 * The stack's summary of its AuthConsumers. A rotation changes every copy within seconds, and each of them reports that
 * it is being written and that it is in sync. Were each counted at once, 500 consumers would be a thousand writes of the
 * stack's status. So the summary is late by a few seconds:
 *
 *   in sync ──► a copy is behind once it has been so for SETTLE, and the summary has been True for as long  ──► behind
 *   behind  ──► counted anew once in every SETTLE, and at once when nobody is behind any more               ──► in sync
 */
const SETTLE: Millis = 5_000;

/** The AuthConsumers that name a stack, as they last reported. */
export interface StackConsumersObservation {
  readonly stack: AuthStack;
  readonly now: Millis;
  readonly consumers: readonly AuthConsumer[];
}

interface Counts {
  readonly total: number;
  readonly inSync: number;
}

export interface StackConsumersStatus {
  readonly consumers: Counts;
}

export function observeStackConsumers(
  stack: AuthStack,
  { cluster }: { readonly cluster: Cluster },
  { now }: Pass,
): StackConsumersObservation {
  const index = { name: CONSUMERS_BY_STACK, value: keyOf(stack.metadata) };
  return { stack, now, consumers: cluster.cachedList(authConsumerKind, { index }) };
}

export type ConsumersPlan = Plan<never, StackConsumersStatus>;

/** Only accepted ones count: one that the stack does not allow, or that is Terminating, is not behind. */
export function planStackConsumers({ stack, now, consumers }: StackConsumersObservation): ConsumersPlan {
  const accepted = consumers
    .filter((consumer) => consumer.metadata.deletionTimestamp === undefined && isTrue(consumer, 'Accepted'))
    .map((consumer) => syncOf(consumer));
  const crossings = accepted.map(({ behindFrom }) => behindFrom).filter((at) => at > now);
  // One whose first copy is being written is counted once it has it.
  const settled = accepted.filter(({ behindFrom, hadKeys }) => hadKeys || behindFrom <= now);
  const behind = settled.filter(({ behindFrom }) => behindFrom <= now);
  if (behind.length === 0) return report(freshReport(settled, []), Math.min(...crossings));
  const settledAt = trueSince(stack) + SETTLE;
  if (now < settledAt) return report(freshReport(settled, []), settledAt);
  const stored = storedReport(stack);
  const beat = Math.floor(now / SETTLE) * SETTLE;
  const changed = accepted.some(({ changedAt, behindFrom }) => changedAt >= beat || isWithin(behindFrom, beat, now));
  if (changed && stored?.consumers.total === settled.length) return report(stored, beat + SETTLE);
  return report(freshReport(settled, behind), Math.min(...crossings));
}

/** When the stored summary became True; -Infinity where it is not. */
function trueSince({ status }: AuthStack): Millis {
  const stored = status?.conditions?.find(({ type }) => type === 'ConsumersInSync');
  return stored?.status === 'True' ? Date.parse(stored.lastTransitionTime) : -Infinity;
}

interface Sync {
  readonly name: string;
  readonly changedAt: Millis;
  readonly hadKeys: boolean;
  /** From when on it counts as behind; Infinity while it is in sync. */
  readonly behindFrom: Millis;
}

function syncOf({ metadata, status }: AuthConsumer): Sync {
  const inSync = status?.conditions?.find(({ type }) => type === 'InSync');
  const changedAt = inSync ? Date.parse(inSync.lastTransitionTime) : 0;
  const isInSync = inSync?.status === 'True';
  return {
    name: keyOf(metadata),
    changedAt,
    hadKeys: isInSync || status?.lastSyncTime !== undefined,
    behindFrom: isInSync ? Infinity : changedAt + SETTLE,
  };
}

interface Report {
  readonly status: ConditionStatus;
  readonly reason: ReasonOf<'ConsumersInSync'>;
  readonly message: string;
  readonly consumers: Counts;
}

/** What is stored while consumers are behind; it is repeated until the beat is over. */
function storedReport({ status }: AuthStack): Report | undefined {
  const stored = status?.conditions?.find(({ type }) => type === 'ConsumersInSync');
  if (stored?.reason !== 'CopiesBehind' || !status?.consumers) return undefined;
  return { status: stored.status, reason: 'CopiesBehind', message: stored.message, consumers: status.consumers };
}

function freshReport(accepted: readonly Sync[], behind: readonly Sync[]): Report {
  const total = accepted.length;
  const consumers = { total, inSync: total - behind.length };
  const names = behind.map(({ name }) => name).sort((a, b) => a.localeCompare(b));
  const [first] = names;
  if (first !== undefined) {
    const { namespace = '', name } = refOf(first);
    const message =
      `${listed(names)} ${names.length === 1 ? 'lacks' : 'lack'} the current keys: ` +
      `kubectl -n ${namespace} describe authconsumer ${name}`;
    return { status: 'False', reason: 'CopiesBehind', message, consumers };
  }
  if (total === 0) return { status: 'True', reason: 'NoConsumers', message: 'No AuthConsumer is accepted', consumers };
  const message = `${counted(total, 'copy holds', 'copies hold')} the current keys`;
  return { status: 'True', reason: 'AllInSync', message, consumers };
}

function report({ consumers, ...condition }: Report, recheckAt: Millis): ConsumersPlan {
  return {
    actions: [],
    conditions: [{ type: 'ConsumersInSync', ...condition }],
    status: { consumers },
    ...(Number.isFinite(recheckAt) && { recheckAt }),
  };
}

function isWithin(time: Millis, from: Millis, to: Millis): boolean {
  return time >= from && time <= to;
}

function isTrue({ status }: AuthConsumer, type: string): boolean {
  const conditions: readonly Condition[] = status?.conditions ?? [];
  return conditions.some((condition) => condition.type === type && condition.status === 'True');
}
