import type { AuthConsumer } from '../api/auth-consumer.ts';
import { namespaceOf } from '../api/names.ts';
import { listed } from '../runtime/listed.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Millis } from '../runtime/objects.ts';
import { consumerPlan, noStatus, remove } from './conditions.ts';
import type { ConsumerPlan } from './conditions.ts';

export interface TerminatingObservation {
  readonly consumer: AuthConsumer;
  readonly now: Millis;
  /** Every copy that it owns. */
  readonly copies: readonly Secret[];
}

/** The finalizer that `kubectl delete --cascade=orphan` sets: what the AuthConsumer owns is to stay. */
const ORPHAN = 'orphan';

/**
 * An AuthConsumer that finalizers of others hold: its consent has ended, so its copy goes now and not with the last
 * finalizer, and its name is free for another.
 */
export function planTerminating({ consumer, now, copies }: TerminatingObservation): ConsumerPlan {
  const { name, finalizers = [] } = consumer.metadata;
  const isOrphaning = finalizers.includes(ORPHAN);
  const message =
    `Terminating, held by ${listed(finalizers)}. ${isOrphaning ? 'Its Secret stays, as --cascade=orphan asks' : 'Its Secret is removed'}, ` +
    `and the stack no longer counts it. Remove a finalizer that stays: kubectl -n ${namespaceOf(consumer)} edit authconsumer ${name}`;
  return consumerPlan(
    {
      accepted: { status: 'False', reason: 'Terminating', message },
      inSync: { status: 'False', reason: 'Terminating', message },
      actions: isOrphaning ? [] : copies.map(remove),
    },
    { now, status: noStatus },
  );
}
