import { describe, expect, test } from '@jest/globals';
import type { RevokedState } from '../api/auth-consumer.ts';
import type { AuthStackStatus } from '../api/auth-stack.ts';
import { planSigningKeys } from './plan.ts';
import { active, aStack, knowing, MINUTE, next, NOW, pod, ringOf, seen } from './testing/seen.ts';
import type { Copy, KeysObservation } from './types.ts';

const gone = { kid: 'k0', revokedAt: NOW, mountsUntil: NOW + 3 * MINUTE, cachesUntil: NOW + 8 * MINUTE };
const ring = ringOf([active('k1'), next('k2')], { revoked: [gone] });

function copy(consumer: string, state?: RevokedState, change: Partial<Copy> = {}): Copy {
  const revoked = new Map(state && [['k0', state] as const]);
  return { ...{ consumer, kids: new Set(['k1', 'k2']), createdAt: 0, consumerSince: 0, revoked }, ...change };
}
const withKey = { kids: new Set(['k0', 'k1', 'k2']) };

const drops = knowing(pod('shop-auth-1', ['k1', 'k2']), 'k0');
const holds = pod('shop-auth-2', ['k0', 'k1', 'k2']);
const silent = pod('shop-auth-3', 'unknown');

type Shown = NonNullable<NonNullable<AuthStackStatus['signingKeys']>['revoked']>;

function told(change: Partial<KeysObservation>, before?: Shown): Shown[number] | undefined {
  const stack = aStack(before && { status: { signingKeys: { revoked: before } } });
  const [first] =
    planSigningKeys(seen({ ring, now: NOW + MINUTE, stack, ...change })).status.signingKeys?.revoked ?? [];
  return first;
}

function words(change: Partial<KeysObservation>): string {
  const [ready] = planSigningKeys(seen({ ring, now: NOW + MINUTE, pods: [drops], ...change })).conditions;
  return ready?.message ?? '';
}

describe('of a revoked key the status tells', () => {
  test.each<[string, readonly Copy[], number, object]>([
    ['a consumer that confirmed', [copy('shop/a', 'Dropped')], 1, { total: 1, reached: 1 }],
    ['one that holds it', [copy('shop/a', 'Held')], 20, { total: 1, reached: 0, waiting: ['shop/a'] }],
    ['one whose Secret has it', [copy('shop/a', 'Dropped', withKey)], 20, { reached: 0, waiting: ['shop/a'] }],
    ['one that nothing is known of', [copy('shop/a')], 1, { reached: 0, waiting: ['shop/a'] }],
    ['one that nobody is connected for', [copy('shop/a', 'Unconfirmed')], 1, { reached: 0, waiting: ['shop/a'] }],
    ['the same once mounts are fresh', [copy('shop/a', 'Unconfirmed')], 3, { total: 1, reached: 1 }],
    [
      'one with two Secrets as one',
      [copy('shop/b', 'Held', withKey), copy('shop/b', 'Held'), copy('shop/a', 'Held')],
      1,
      { total: 2, reached: 0, waiting: ['shop/a', 'shop/b'] },
    ],
    ['none that has come since', [copy('shop/a', undefined, { consumerSince: NOW + 2 * MINUTE })], 2, { total: 0 }],
    [
      'one that has come since and holds it',
      [copy('shop/a', 'Held', { consumerSince: NOW + 2 * MINUTE })],
      2,
      { total: 1, reached: 0, waiting: ['shop/a'] },
    ],
    [
      'one that nobody can say has come since: it lies ahead',
      [copy('shop/a', undefined, { consumerSince: NOW + 9 * MINUTE })],
      2,
      { total: 1, reached: 0, waiting: ['shop/a'] },
    ],
    ['no consumer', [], 1, { total: 0, reached: 0 }],
  ])('%s', (_case, copies, ...[minutes, expected]) => {
    const before = told({ copies: [copy('shop/a', 'Held')], pods: [] });
    const seenThen = told({ copies, pods: [], now: NOW + minutes * MINUTE }, before && [before]);
    expect(seenThen?.consumers).toMatchObject(expected);
    expect(seenThen?.reachedTime === undefined).toBe('waiting' in expected);
  });

  test('the auth pods that have it, or cannot be asked', () => {
    const { authPods, reachedTime } = told({ pods: [drops, holds, silent], copies: [] }) ?? {};
    expect({ authPods, reachedTime }).toEqual({
      authPods: { total: 3, reached: 1, waiting: ['shop-auth-2', 'shop-auth-3'] },
    });
  });

  test('no pod that has started since and cannot be asked yet', () => {
    const starting = pod('shop-auth-4', 'unknown', { startedAt: NOW + 2 * MINUTE });
    const ended = pod('shop-auth-5', 'unknown', { startedAt: undefined });
    expect(told({ pods: [drops, starting, ended], now: NOW + 2 * MINUTE })?.authPods).toEqual({ total: 1, reached: 1 });
  });

  test('eight names, and how many there are', () => {
    const copies = Array.from({ length: 500 }, (_, index) => copy(`shop/consumer-${index}`, 'Held'));
    const { consumers } = told({ copies }) ?? {};
    expect(consumers).toMatchObject({ total: 500, reached: 0 });
    expect(consumers?.waiting).toHaveLength(8);
  });

  test('when it had reached everybody, and nothing else from then on', () => {
    const reached = told({ pods: [drops], copies: [copy('shop/a', 'Dropped')] });
    expect(reached).toMatchObject({ reachedTime: '2030-01-01T00:01:00Z', authPods: { total: 1 } });
    const later = { now: NOW + 9 * MINUTE, pods: [drops, silent], copies: [copy('shop/a'), copy('shop/b', 'Held')] };
    expect(told(later, reached && [reached])).toEqual(reached);
    // Until then a cache may have been behind: whoever was missed is waited for.
    const sooner = { ...later, now: NOW + 7 * MINUTE };
    expect(told(sooner, reached && [reached])).toMatchObject({ consumers: { total: 2, reached: 1 } });
    expect(told(sooner, reached && [reached])?.reachedTime).toBeUndefined();
    const asBefore = { now: NOW + 7 * MINUTE, pods: [drops], copies: [copy('shop/a', 'Dropped')] };
    expect(told(asBefore, reached && [reached])).toEqual(reached);
  });

  test('nobody of a revocation that was over before anybody counted', () => {
    const { authPods, consumers, reachedTime } = told({ now: NOW + 8 * MINUTE }) ?? {};
    expect([authPods, consumers, reachedTime]).toEqual([undefined, undefined, undefined]);
  });
});

describe('the condition says in words', () => {
  test('who has not dropped it, with the command to look', () => {
    const copies = [copy('shop/b', 'Held'), copy('shop/a', 'Unconfirmed'), copy('web/c', 'Dropped')];
    expect(words({ copies })).toMatch(
      /^k0 is revoked\. 1 of 3 AuthConsumers have dropped it, not shop\/a, shop\/b: kubectl -n shop describe authconsumer a\. It is gone from mounted/,
    );
  });

  test('that everybody has', () => {
    expect(words({ copies: [copy('shop/a', 'Dropped')] })).toMatch(
      /^k0 is revoked\. 1 AuthConsumer has dropped it\. It is gone/,
    );
    expect(words({ copies: [] })).toMatch(/^k0 is revoked\. It is gone/);
  });
});
