import { describe, expect, test } from '@jest/globals';
import { authConsumerKind } from './api/auth-consumer.ts';
import { authStackSpecSchema } from './api/auth-stack.ts';
import type { AuthStack } from './api/auth-stack.ts';
import { consumerReasons } from './api/consumer-reasons.ts';
import type { Row } from './api/reason-rows.ts';
import type { ReasonOf } from './api/reasons.ts';
import { stackReasons } from './api/stack-reasons.ts';
import { consumerPlan, noStatus } from './consumers/conditions.ts';
import { foreignKinds, ownKinds } from './operator.ts';
import { planOf } from './planning.ts';

/** Whatever a message tells people to change is seen by a watch, or looked at again within 15 seconds. */

function rowsOf(tables: Readonly<Record<string, Readonly<Record<string, Row>>>>): [string, string, Row][] {
  const rows = Object.entries(tables).flatMap(([type, table]) =>
    Object.entries(table).map(([reason, row]): [string, string, Row] => [type, reason, row]),
  );
  return rows.filter(([, , row]) => row.do !== undefined);
}

const stackRows = rowsOf(stackReasons);
const consumerRows = rowsOf(consumerReasons);

const now = Date.UTC(2030, 0, 1);
const stack: AuthStack = {
  apiVersion: 'authstack.dev/v1alpha1',
  kind: 'AuthStack',
  metadata: { name: 'shop', namespace: 'auth' },
  spec: authStackSpecSchema.parse({ publicURL: 'https://shop.example.com', auth: { audience: ['shop'] } }),
};

const watched = new Set<string>([...ownKinds, ...foreignKinds, authConsumerKind].map(({ kind }) => kind));

describe.each([...stackRows, ...consumerRows])('%s %s', (_type, _reason, { noticed = [] }) => {
  test('names only kinds that are watched', () => {
    const kinds = noticed === 'retry' ? [] : noticed;
    expect(kinds.filter((kind) => !watched.has(kind))).toEqual([]);
  });
});

const unwatched = ([, , { noticed }]: [string, string, Row]): boolean => noticed === undefined;
/** Conditions that sum up, or that the stack makes; the reasons of their features are looked at themselves. */
const planned: readonly string[] = ['DatabaseReady', 'KeysReady', 'AuthReady'];

test.each(stackRows.filter(unwatched).filter(([type]) => planned.includes(type)))(
  'a stack that is %s %s, which no watch shows, is looked at again within 15 s',
  (type, reason, { status }) => {
    const verdict = { status: [status].flat()[0] ?? 'False', reason: reason as ReasonOf<'DatabaseReady'>, message: '' };
    const context = { stack, now, type: type as 'DatabaseReady', status: undefined };
    expect(planOf(verdict, context).recheckAt).toBeLessThanOrEqual(now + 15_000);
  },
);

test.each(consumerRows.filter(unwatched))(
  'an AuthConsumer that is %s %s, which no watch shows, is looked at again within 15 s',
  (type, reason) => {
    const plan = consumerPlan(verdictWith(type as 'Accepted' | 'InSync', reason), {
      now,
      status: noStatus,
    });
    expect(plan.recheckAt).toBeLessThanOrEqual(now + 15_000);
  },
);

function verdictWith(type: 'Accepted' | 'InSync', reason: string): Parameters<typeof consumerPlan>[0] {
  const good = { status: 'True', message: '' } as const;
  const accepted = { ...good, reason: 'Accepted' } as const;
  const inSync = { ...good, reason: 'InSync' } as const;
  return type === 'Accepted'
    ? { inSync, accepted: { ...accepted, reason: reason as ReasonOf<'Accepted'> } }
    : { accepted, inSync: { ...inSync, reason: reason as ReasonOf<'InSync'> } };
}

test('what has nothing to be done about it is left to the watches', () => {
  const verdict = { status: 'True', reason: 'AllMembersHealthy', message: '' } as const;
  expect(planOf(verdict, { stack, now, type: 'DatabaseReady', status: undefined })).not.toHaveProperty('recheckAt');
});
