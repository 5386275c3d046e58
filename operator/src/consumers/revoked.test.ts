import { describe, expect, test } from '@jest/globals';
import type { AuthConsumerStatus } from '../api/auth-consumer.ts';
import type { Verifier } from '../auth-pods/verifiers.ts';
import { rfc3339 } from '../runtime/conditions.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { copySecret } from '../stored/consumer-copy.ts';
import type { RevokedKey } from '../stored/jwks.ts';
import { planConsumer } from './plan.ts';
import { aConsumer, aStack, authority, client, keys, seen } from './testing/seen.ts';
import type { ConsumerObservation } from './types.ts';

const SECOND = 1_000;
const REVOKED_AT = seen().now;
const UNTIL = REVOKED_AT + 180 * SECOND;
const gone = (kid = 'k0'): RevokedKey => ({
  ...{ kid, revokedAt: REVOKED_AT, mountsUntil: UNTIL, cachesUntil: UNTIL + 300 * SECOND },
});
const k0 = { ...keys[0], kid: 'k0' } as (typeof keys)[number];
const withK0: Secret = copySecret(aConsumer(), aStack(), { keys: [k0, ...keys], authority, client });

function instance(name: string, kids: readonly string[], heardMillisAgo: number = SECOND): Verifier {
  return { client: 'shop/orders', instance: `instance of ${name}`, name, kids: [...kids], heardMillisAgo };
}

type Plan = ReturnType<typeof planConsumer>;
type Stored = AuthConsumerStatus['revokedKeys'] | undefined;

function planned(after: number, change: Partial<ConsumerObservation> = {}, stored?: Stored): Plan {
  const consumer = { ...aConsumer(), status: { ...(stored && { revokedKeys: stored }) } };
  return planConsumer(seen({ now: REVOKED_AT + after, revoked: [gone()], consumer, ...change }));
}

const statesOf = ({ status }: Plan): readonly string[] => (status.revokedKeys ?? []).map(({ state }) => state);
const inSync = ({ conditions }: Plan): string | undefined => conditions.find(({ type }) => type === 'InSync')?.message;

describe('a revoked key', () => {
  const drops = instance('orders-1', ['k1', 'k2']);
  const holds = instance('orders-2', ['k0', 'k1', 'k2']);

  test.each<[string, Partial<ConsumerObservation>, number, string]>([
    ['that the Secret has is held', { copy: { state: 'ours', secret: withK0 }, verifiers: [drops] }, 2, 'Held'],
    ['that a Secret of a former name has is held', { formerCopies: [withK0], verifiers: [drops] }, 2, 'Held'],
    ['that one of two instances has is held', { verifiers: [drops, holds] }, 2, 'Held'],
    ['that an instance has after its mount should be fresh is held', { verifiers: [holds] }, 600, 'Held'],
    ['is unconfirmed while no instance is connected', {}, 2, 'Unconfirmed'],
    [
      'is unconfirmed by what an instance said before',
      { verifiers: [drops, instance('orders-3', ['k1'], 3 * SECOND)] },
      2,
      'Unconfirmed',
    ],
    ['is dropped once every instance has said so since', { verifiers: [drops] }, 2, 'Dropped'],
  ])('%s', (_case, change, ...[seconds, state]) => {
    const plan = planned(seconds * SECOND, change);
    expect(plan.status.revokedKeys).toEqual([
      { kid: 'k0', state, since: rfc3339(REVOKED_AT + seconds * SECOND), until: rfc3339(UNTIL) },
    ]);
  });

  test('is dropped once mounts are fresh, where nobody is connected', () => {
    const stored = planned(SECOND).status.revokedKeys;
    expect(statesOf(planned(179 * SECOND, {}, stored))).toEqual(['Unconfirmed']);
    expect(statesOf(planned(180 * SECOND, {}, stored))).toEqual(['Dropped']);
  });

  test('is dropped for good, and says since when', () => {
    const before = planned(2 * SECOND, { verifiers: [drops] }).status.revokedKeys;
    for (const change of [{ verifiers: [holds] }, {}, { verifiers: [] }]) {
      const later = planned(400 * SECOND, change, before);
      expect(later.status.revokedKeys).toEqual(before);
      expect(later.recheckAt).toBeUndefined();
    }
  });

  test('keeps its time while its state stays', () => {
    const first = planned(SECOND).status.revokedKeys;
    expect(planned(9 * SECOND, {}, first).status.revokedKeys).toEqual(first);
  });

  test('is no matter of a consumer that came after it was gone everywhere, or of one without a copy', () => {
    expect(planned(180 * SECOND).status.revokedKeys).toBeUndefined();
    expect(planned(SECOND, { namespaceLabels: {} }).status.revokedKeys).toBeUndefined();
    const came = (after: number, seconds: number): readonly string[] => {
      const metadata = { ...aConsumer().metadata, creationTimestamp: rfc3339(REVOKED_AT + after * SECOND) };
      return statesOf(planned(seconds * SECOND, { consumer: { ...aConsumer(), metadata } }));
    };
    // clockSkew later; a time that lies ahead says nothing.
    expect([came(60, 90), came(61, 90), came(300, 90)]).toEqual([['Unconfirmed'], [], ['Unconfirmed']]);
  });

  test('stays as it was told while the published keys cannot be read', () => {
    const { revoked: _unknown, ...unread } = seen({ now: REVOKED_AT });
    const stored = planned(SECOND).status.revokedKeys;
    const consumer = { ...aConsumer(), status: { ...(stored && { revokedKeys: stored }) } };
    expect(planConsumer({ ...unread, consumer }).status.revokedKeys).toEqual(stored);
  });

  test('is one of the last eight', () => {
    const revoked = Array.from({ length: 9 }, (_, index) => gone(`r${index}`));
    const { status } = planned(SECOND, { revoked });
    expect(status.revokedKeys?.map(({ kid }) => kid)).toEqual(['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8']);
  });

  test('is looked at again when its mounts are fresh, and sooner only where somebody may say something', () => {
    expect(planned(SECOND).recheckAt).toBe(UNTIL);
    expect(planned(SECOND, { verifiers: [holds] }).recheckAt).toBe(UNTIL);
    const silent = instance('orders-3', ['k1', 'k2'], 3 * SECOND);
    expect(planned(SECOND, { verifiers: [silent] }).recheckAt).toBe(REVOKED_AT + 6 * SECOND);
    expect(planned(SECOND, { verifiers: [drops, holds] }).recheckAt).toBe(UNTIL);
    expect(planned(600 * SECOND, { verifiers: [holds] }).recheckAt).toBeUndefined();
  });

  test('is told of in words until it is dropped: who has it, or by when it is gone', () => {
    const revoked = 'Secret auth holds the current keys. Key k0 was revoked at 2023-11-14T22:13:20Z';
    expect(inSync(planned(SECOND))).toBe(
      `${revoked}; no instance is connected to confirm it, so its tokens may be accepted until 2023-11-14T22:16:20Z`,
    );
    expect(inSync(planned(SECOND, { verifiers: [instance('orders-3', ['k1', 'k2'], 3 * SECOND)] }))).toContain(
      'not every instance has confirmed it',
    );
    expect(inSync(planned(900 * SECOND, { verifiers: [drops, holds] }))).toBe(
      `${revoked}, and orders-2 still has it. If that stays so: kubectl -n shop delete pod orders-2`,
    );
    expect(inSync(planned(2 * SECOND, { verifiers: [drops] }))).toBe('Secret auth holds the current keys');
  });

  test('changes no state twice, whatever connects and goes meanwhile', () => {
    const steps: readonly Partial<ConsumerObservation>[] = [
      { copy: { state: 'ours', secret: withK0 }, verifiers: [holds] },
      { verifiers: [holds] },
      {},
      { verifiers: [drops] },
      { verifiers: [holds, drops] },
      {},
    ];
    let stored: Stored;
    const states = steps.map((change, index) => {
      const plan = planned(index * 10 * SECOND, change, stored);
      stored = plan.status.revokedKeys;
      return statesOf(plan)[0];
    });
    expect(states).toEqual(['Held', 'Held', 'Unconfirmed', 'Dropped', 'Dropped', 'Dropped']);
  });
});
