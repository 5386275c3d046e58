import { authConsumerKind } from '../api/auth-consumer.ts';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { CONSUMERS_BY_STACK } from '../api/names.ts';
import type { Plan } from '../planning.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { counted, listed } from '../runtime/listed.ts';
import { keyOf } from '../runtime/objects.ts';
import type { Condition } from '../runtime/objects.ts';

/** The AuthConsumers that name a stack, as they last told of themselves. */
export interface StackConsumersObservation {
  readonly consumers: readonly AuthConsumer[];
}

export interface StackConsumersStatus {
  readonly consumers: { readonly total: number; readonly inSync: number };
}

export function observeStackConsumers(
  stack: AuthStack,
  { cluster }: { readonly cluster: Cluster },
): StackConsumersObservation {
  const index = { name: CONSUMERS_BY_STACK, value: keyOf(stack.metadata) };
  return { consumers: cluster.cachedList(authConsumerKind, { index }) };
}

/** Only accepted ones count: whom the stack does not allow is not behind. */
export function planStackConsumers({ consumers }: StackConsumersObservation): Plan<never, StackConsumersStatus> {
  const accepted = consumers.filter((consumer) => isTrue(consumer, 'Accepted'));
  const behind = accepted.filter((consumer) => !isTrue(consumer, 'InSync'));
  const status = { consumers: { total: accepted.length, inSync: accepted.length - behind.length } };
  const names = behind.map(({ metadata }) => keyOf(metadata)).sort((a, b) => a.localeCompare(b));
  const [first] = behind;
  const condition = first
    ? ({
        type: 'ConsumersInSync',
        status: 'False',
        reason: 'CopiesBehind',
        message: `${listed(names)} ${behind.length === 1 ? 'lacks' : 'lack'} the current keys: kubectl -n ${first.metadata.namespace ?? ''} describe authconsumer ${first.metadata.name}`,
      } as const)
    : ({
        type: 'ConsumersInSync',
        status: 'True',
        reason: accepted.length === 0 ? 'NoConsumers' : 'AllInSync',
        message:
          accepted.length === 0
            ? 'No AuthConsumer is accepted'
            : `${counted(accepted.length, 'copy holds', 'copies hold')} the current keys`,
      } as const);
  return { actions: [], conditions: [condition], status };
}

function isTrue({ status }: AuthConsumer, type: string): boolean {
  const conditions: readonly Condition[] = status?.conditions ?? [];
  return conditions.some((condition) => condition.type === type && condition.status === 'True');
}
