import { expect, test } from '@jest/globals';
import { stackRefOf } from '../api/auth-consumer.ts';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { authStackKind } from '../api/auth-stack.ts';
import { CONSUMERS_BY_STACK } from '../api/names.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { silent } from '../runtime/log.ts';
import { concernedBy } from '../runtime/mapping.ts';
import { keyOf } from '../runtime/objects.ts';
import { kindKey } from '../runtime/paths.ts';
import { Store } from '../runtime/store.ts';
import { consumerMappings } from './reconcile.ts';
import { aConsumer, aStack } from './testing/seen.ts';

const consumers = new Store<AuthConsumer>({
  indexers: { [CONSUMERS_BY_STACK]: (consumer) => [keyOf(stackRefOf(consumer) ?? { name: '' })] },
});
consumers.set(aConsumer());
const cluster = { cachedList: (_kind: object, options: object) => consumers.list(options) } as unknown as Cluster;

const before: AuthStack = { ...aStack(), metadata: { ...aStack().metadata, generation: 1 } };

test.each<[string, Partial<AuthStack['metadata']>, readonly string[]]>([
  ['an annotation', { annotations: { 'authstack.dev/revoke-key': 'k1' } }, []],
  ['a label', { labels: { team: 'shop' } }, []],
  ['its spec', { generation: 2 }, ['shop/orders']],
  ['its deletion', { deletionTimestamp: '2030-01-01T00:00:00Z' }, ['shop/orders']],
  ['a namesake', { uid: 'another' }, ['shop/orders']],
])('of a stack, %s concerns those of its consumers: %j → %j', (_what, metadata, concerned) => {
  const after = { ...before, metadata: { ...before.metadata, ...metadata } };
  const ofStacks = consumerMappings(cluster).filter(({ kind }) => kindKey(kind) === kindKey(authStackKind));

  const keys = ofStacks.flatMap((mapped) => [...concernedBy(mapped, { before, after }, silent)]);

  expect(keys).toEqual(concerned);
});
