import { expect, test } from '@jest/globals';
import { PRESENT } from '../auth-pods/verifiers.ts';
import type { Verifier } from '../auth-pods/verifiers.ts';
import { countsFrom } from './horizons.ts';
import { planSigningKeys } from './plan.ts';
import { LEAD, MINUTE, NOW, aStack, active, jwk, next, pod, policy, ringOf, seen } from './testing/seen.ts';
import type { KeysObservation } from './types.ts';

const due = active('k1', { activatedAt: NOW - policy.rotationInterval });
const holding = ['k1', 'k2'];

function verifier(kids: readonly string[], change: Partial<Verifier> = {}): Verifier {
  return { client: 'shop/orders', instance: 'a1', name: 'orders-7', kids: [...kids], heardMillisAgo: 2_000, ...change };
}

function connected(
  verifiers: readonly Verifier[] | 'unknown',
  change: Partial<KeysObservation> = {},
  acknowledgedAt: number | 'never' = NOW - 2 * MINUTE,
): KeysObservation {
  const { acknowledged: _none, ...bare } = next('k2');
  const pods = change.pods ?? [
    pod('shop-auth-1', holding, { verifiers: typeof verifiers === 'string' ? verifiers : [...verifiers] }),
  ];
  return seen({
    ring: ringOf([
      due,
      acknowledgedAt === 'never'
        ? bare
        : { ...bare, acknowledged: { at: acknowledgedAt, pods: pods.map(({ name }) => name) } },
    ]),
    ...change,
    pods,
  });
}

function planned(observation: KeysObservation): { ready: string; message: string; edits: unknown[] } {
  const { conditions, actions } = planSigningKeys(observation);
  const [ready] = conditions;
  const edits = actions.flatMap((action) => (action.type === 'editRing' ? [action.edit] : []));
  return { ready: `${ready?.status ?? ''}/${ready?.reason ?? ''}`, message: ready?.message ?? '', edits };
}

const promotion = { type: 'promote', kid: 'k2', algorithm: 'ES256' };
const unacknowledged = { type: 'noteUnacknowledged', kid: 'k2' };
const acknowledged = { type: 'noteAcknowledged', kid: 'k2', pods: ['shop-auth-1'] };

test('once every connected service has acknowledged the next key for long enough, it signs', () => {
  expect(planned(connected([verifier(holding)]))).toMatchObject({ ready: 'True/UpToDate', edits: [promotion] });
});

test('a connected service that lacks the next key takes the note back, and then blocks with its name, its keys and the way on', () => {
  const observation = [verifier(holding, { instance: 'a2', name: 'orders-8' }), verifier(['k1'])];
  expect(planned(connected(observation)).edits).toEqual([unacknowledged]);
  const { ready, message, edits } = planned(connected(observation, {}, 'never'));
  expect({ ready, edits }).toEqual({ ready: 'False/RotationBlocked', edits: [] });
  expect(message).toBe(
    'shop/orders (orders-7) has k1 and must load k2 first, so k1 continues to sign. Look at what it mounts and logs: ' +
      'kubectl -n shop describe authconsumer orders. Or promote knowingly: ' +
      'kubectl -n auth annotate --overwrite authstack shop authstack.dev/promote-key=k2',
  );
});

test('a service that has no such algorithm holds the key back by name, until it is upgraded or the algorithm is set back', () => {
  const { acknowledged: _none, ...upcoming } = next('k2', {
    ...{ algorithm: 'ML-DSA-44', publicJwk: jwk('k2', 'ML-DSA-44') },
  });
  const older = verifier(['k1'], { name: 'older-1' });
  const observation = connected([older], {
    ring: ringOf([due, upcoming]),
    policy: { ...policy, algorithm: 'ML-DSA-44' },
  });
  const { ready, message, edits } = planned(observation);
  expect({ ready, edits }).toEqual({ ready: 'False/RotationBlocked', edits: [] });
  expect(message).toContain('shop/orders (older-1) has k1 and must load k2 (ML-DSA-44) first, so k1 continues to sign');

  const back = planned({ ...observation, policy });
  expect(back.edits).toEqual([{ type: 'publishNext', algorithm: 'ES256' }]);
});

test('whoever promotes knowingly does not wait for it', () => {
  const stack = aStack();
  const annotations = { 'authstack.dev/promote-key': 'k2' };
  const asking = { ...stack, metadata: { ...stack.metadata, annotations } };
  expect(planned(connected([verifier(['k1'])], { stack: asking }, 'never')).edits).toEqual([promotion]);
});

test('one that has said goodbye, to whichever pod, is not waited for; one that is heard after it is there', () => {
  const [one, other] = ['shop-auth-1', 'shop-auth-2'];
  const lacking = verifier(['k1'], { heardMillisAgo: 6_000 });
  const goodbye = verifier([], { heardMillisAgo: 3_000, hasLeft: true });
  const pods = (...told: readonly (readonly Verifier[])[]) =>
    told.map((verifiers, index) => pod([one, other][index] ?? '', holding, { verifiers }));
  expect(planned(connected([], { pods: pods([lacking], [goodbye]) })).edits).toEqual([promotion]);

  for (const heardMillisAgo of [3_000, 1_000]) {
    const back = { ...lacking, heardMillisAgo };
    const { ready } = planned(connected([], { pods: pods([back], [goodbye]) }, 'never'));
    expect([heardMillisAgo, ready]).toEqual([heardMillisAgo, 'False/RotationBlocked']);
  }
  const ofAnother = { ...goodbye, client: 'shop/billing' };
  const { ready } = planned(connected([], { pods: pods([lacking], [ofAnother]) }, 'never'));
  expect(ready).toBe('False/RotationBlocked');
});

test('one that has vanished without the next key is waited for until maxWait is over, and then named in the event', () => {
  const vanished = verifier(['k1'], { heardMillisAgo: 10 * MINUTE });
  const { ready, message } = planned(connected([vanished], {}, 'never'));
  expect(ready).toBe('True/RotationDelayed');
  expect(message).toContain(
    'shop/orders (orders-7) was heard of last at 2029-12-31T23:50:00Z, without k2; after signingKeys.maxWait, at ' +
      '2030-01-01T00:50:00Z, it is not waited for any more',
  );

  const gone = connected([verifier(['k1'], { heardMillisAgo: policy.maxWait })]);
  expect(planned(gone).edits).toEqual([promotion]);
  expect(planSigningKeys(gone).actions).toContainEqual(
    expect.objectContaining({
      event: expect.objectContaining({
        message:
          'k2 signs from now on: k1 is due; shop/orders (orders-7) vanished without it and had signingKeys.maxWait to come back',
      }),
    }),
  );
});

test('one that has vanished with the next key is not waited for', () => {
  expect(planned(connected([verifier(holding, { heardMillisAgo: 10 * MINUTE })])).edits).toEqual([promotion]);
});

test.each([
  [PRESENT - 1, 'False/RotationBlocked'],
  [PRESENT, 'True/RotationDelayed'],
])('heard of %i ms ago: %s', (heardMillisAgo, ready) => {
  expect(planned(connected([verifier(['k1'], { heardMillisAgo })], {}, 'never')).ready).toBe(ready);
});

test('a service that moved to another pod counts with what it told last', () => {
  const pods = [
    pod('shop-auth-1', holding, { verifiers: [verifier(['k1'], { heardMillisAgo: 14_000 })] }),
    pod('shop-auth-2', holding, { verifiers: [verifier(holding, { heardMillisAgo: 1_000 })] }),
  ];
  expect(planned(connected([], { pods })).edits).toEqual([promotion]);
});

test('a service whose AuthConsumer is gone holds nothing back', () => {
  expect(planned(connected([verifier(['k1'], { client: 'shop/gone' })])).edits).toEqual([promotion]);
});

test('a pod that does not say who is connected delays it, and is named', () => {
  expect(planned(connected('unknown')).edits).toEqual([unacknowledged]);
  const { ready, message } = planned(connected('unknown', {}, 'never'));
  expect(ready).toBe('True/RotationDelayed');
  expect(message).toContain('Pod shop-auth-1 does not say which services are connected to it');
});

/** Longer than a service takes to connect again, by however much two clocks may differ. */
const HELD = countsFrom(0, { policy });

test('that nobody lacks it is noted before the key is due, and counts only after whoever lost its pod has connected again', () => {
  const ahead = active('k1', { activatedAt: NOW - policy.rotationInterval + HELD });
  const { acknowledged: _none, ...unnoted } = next('k2');
  expect(planned(connected([], { ring: ringOf([ahead, unnoted]) })).edits).toEqual([acknowledged]);
  const { ready, message, edits } = planned(connected([], {}, NOW - HELD + 1));
  expect({ ready, edits }).toEqual({ ready: 'True/RotationDelayed', edits: [] });
  expect(message).toContain('without a break, that no connected service lacks k2; a service whose pod has just ended');
  expect(planned(connected([], {}, NOW - HELD)).edits).toEqual([promotion]);
});

test('the wait is over by no pair of clocks that may be before services have connected again', () => {
  // Noted by a clock that is behind by half of clockSkew, judged by one that is ahead by the other half.
  const atOnce = planned(connected([], {}, NOW - policy.clockSkew));
  expect(atOnce.edits).toEqual([]);
});

test('a pod that came or went begins the wait anew: its services may be on their way to another', () => {
  const known = ringOf([due, next('k2', { acknowledged: { at: NOW - MINUTE, pods: ['shop-auth-1', 'shop-auth-2'] } })]);
  expect(planned(connected([verifier(holding)], { ring: known })).edits).toEqual([acknowledged]);
});

test('nobody is asked, and nothing noted, long before', () => {
  const { acknowledged: _none, ...unnoted } = next('k2');
  const fresh = active('k1', { activatedAt: NOW - policy.rotationInterval + HELD + 1 });
  expect(planned(connected('unknown', { ring: ringOf([fresh, unnoted]) })).edits).toEqual([]);
  const young = { ...unnoted, publishedAt: NOW - LEAD + HELD + 1 };
  expect(planned(connected('unknown', { ring: ringOf([due, young]) })).edits).toEqual([]);
});
