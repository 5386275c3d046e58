import { describe, expect, test } from '@jest/globals';
import { LOOK_AGAIN, STALL_AFTER } from '../planning.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { RevokedKey } from '../stored/jwks.ts';
import type { Key, RetiringKey, StoredKey, StoredRing } from '../stored/key-ring.ts';
import { editRing } from './edit.ts';
import type { FreshKey } from './edit.ts';
import { RECONNECTED } from './horizons.ts';
import { planSigningKeys } from './plan.ts';
import type { KeysPlan } from './plan.ts';
import { PROMOTE_KEY_ANNOTATION, dependsOnPods } from './pods.ts';
import { revocationOf } from './revocation.ts';
import { ringOf as asRing } from './ring.ts';
import {
  AFTERLIFE,
  DAY,
  LEAD,
  MINUTE,
  NOW,
  aStack,
  active,
  jwk,
  knowing,
  lifetimes,
  next,
  pod,
  policy,
  retiring,
  ringOf,
  seen,
  undistributed,
} from './testing/seen.ts';
import type { KeysObservation } from './types.ts';
import { isFounding } from './without-ring.ts';

const keys = (...list: Key[]): Partial<KeysObservation> => ({ ring: ringOf(list) });
const copies = (...kids: string[]): Partial<KeysObservation> => ({
  copies: [
    { consumer: 'shop/orders', kids: new Set(kids), createdAt: NOW - DAY, consumerSince: 0, revoked: new Map() },
  ],
});
const due = active('k1', { activatedAt: NOW - policy.rotationInterval });

/** Retired, and not known to have been left by every auth pod. */
function inUse(kid: string, retiredAt: number): RetiringKey {
  const { signersGoneAt: _none, ...key } = retiring(kid, retiredAt);
  return key;
}

function asking(kid: string): AuthStack {
  const stack = aStack();
  return { ...stack, metadata: { ...stack.metadata, annotations: { [PROMOTE_KEY_ANNOTATION]: kid } } };
}

/** What the plan does besides publishing what the ring holds. */
function summary({ actions, conditions: [ready] }: KeysPlan): {
  readonly ready: string;
  readonly does: readonly object[];
} {
  const does = actions.flatMap((action): object[] => {
    if (action.type === 'editRing') return [action.edit];
    return action.type === 'createRing' ? [action] : [];
  });
  return { ready: `${ready?.status ?? ''}/${ready?.reason ?? ''}`, does };
}

const promotion = { type: 'promote', kid: 'k2', algorithm: 'ES256' };

describe('rules, each seen alone', () => {
  test.each<[string, Partial<KeysObservation>, string, object[]]>([
    ['a settled ring is left alone', {}, 'True/UpToDate', []],
    [
      'a stack without keys makes one that signs at once, for nobody can be using another',
      { ring: { state: 'absent' }, jwks: { state: 'absent' }, authServiceRunsSince: [] },
      'False/CreatingKeys',
      [{ type: 'createRing', first: 'active', remembered: [], lifetimes }],
    ],
    [
      'a ring without a successor gets one',
      keys(active('k1')),
      'True/UpToDate',
      [{ type: 'publishNext', algorithm: 'ES256' }],
    ],
    [
      'a successor that every copy holds is noted',
      keys(active('k1'), undistributed('k2')),
      'True/UpToDate',
      [{ type: 'noteDistributed', kid: 'k2' }],
    ],
    [
      'a copy that lost the successor takes the note back',
      copies('k1'),
      'True/UpToDate',
      [{ type: 'noteUndistributed', kid: 'k2' }],
    ],
    ['a due key makes way', keys(due, next('k2')), 'True/UpToDate', [promotion]],
    [
      'an auth pod that lacks the successor holds rotation back',
      { ...keys(due, next('k2')), pods: [pod('shop-auth-1', ['k1', 'k2']), pod('shop-auth-2', ['k1'])] },
      'False/RotationBlocked',
      [],
    ],
    [
      'and so does one that cannot be asked',
      { ...keys(due, next('k2')), pods: [pod('shop-auth-1', 'unknown')] },
      'False/RotationBlocked',
      [],
    ],
    [
      'one that has just started delays it, and nobody is blamed',
      { ...keys(due, next('k2')), pods: [pod('shop-auth-1', [], { startedAt: NOW - MINUTE })] },
      'True/RotationDelayed',
      [],
    ],
    ['without any auth pod nobody is waited for', { ...keys(due, next('k2')), pods: [] }, 'True/UpToDate', [promotion]],
    [
      'whoever names the next key has it promoted, due or not, whoever lacks it',
      { stack: asking('k2'), pods: [pod('shop-auth-1', 'unknown')] },
      'True/UpToDate',
      [promotion],
    ],
    ['one that was promoted is not promoted again', { stack: asking('k1') }, 'True/UpToDate', []],
    ['a name that is no key is refused', { stack: asking('k9') }, 'True/PromotionRefused', []],
    [
      'a retired key that no auth pod signs with any more is noted',
      keys(active('k1'), next('k2'), inUse('k0', NOW - 2 * MINUTE)),
      'True/UpToDate',
      [{ type: 'noteSignersGone', kids: ['k0'] }],
    ],
    [
      'nobody is asked of it before the mounts of the pods are fresh',
      keys(active('k1'), next('k2'), inUse('k0', NOW - 2 * MINUTE + 1)),
      'True/UpToDate',
      [],
    ],
    [
      'one that a pod still signs with is kept, however old',
      { ...keys(active('k1'), next('k2'), inUse('k0', NOW - DAY)), pods: [pod('shop-auth-1', ['k0', 'k1'])] },
      'True/UpToDate',
      [],
    ],
    [
      'and one that a silent pod may sign with',
      { ...keys(active('k1'), next('k2'), inUse('k0', NOW - DAY)), pods: [pod('shop-auth-1', 'unknown')] },
      'True/UpToDate',
      [],
    ],
    [
      'a pod that signs with it again takes the note back before it is forgotten',
      {
        ...keys(active('k1'), next('k2'), retiring('k0', NOW - AFTERLIFE)),
        pods: [pod('shop-auth-1', ['k0', 'k1'])],
      },
      'True/UpToDate',
      [{ type: 'noteSignersBack', kids: ['k0'] }],
    ],
    [
      'a consumer that lacks the successor holds rotation back',
      { ...keys(due, undistributed('k2')), ...copies('k1') },
      'False/RotationBlocked',
      [],
    ],
    [
      'a namespace whose consumers cannot be seen holds rotation back',
      { ...keys(due, undistributed('k2')), unseenNamespaces: ['gone'] },
      'False/RotationBlocked',
      [],
    ],
    [
      'a next key that every copy held before the namespace could not be seen any more signs when it is due',
      { ...keys(due, next('k2')), unseenNamespaces: ['gone'] },
      'True/UpToDate',
      [promotion],
    ],
    [
      'before the lead is over nobody is blamed for lacking the successor',
      { ...keys(due, undistributed('k2', { publishedAt: NOW - MINUTE })), ...copies('k1') },
      'True/RotationDelayed',
      [],
    ],
    [
      'a successor just published waits for caches and mounts',
      keys(due, next('k2', { publishedAt: NOW - LEAD + 1, distributedAt: NOW - LEAD + 1 })),
      'True/RotationDelayed',
      [],
    ],
    [
      'and signs as soon as they had their time',
      keys(due, next('k2', { publishedAt: NOW - LEAD, distributedAt: NOW - LEAD })),
      'True/UpToDate',
      [promotion],
    ],
    [
      'a copy that was written late has its own time to reach the mounts',
      keys(due, next('k2', { distributedAt: NOW - 3 * MINUTE + 1 })),
      'True/RotationDelayed',
      [],
    ],
    [
      'and so has one that was deleted and created again',
      {
        ...keys(due, next('k2')),
        copies: [
          {
            consumer: 'shop/orders',
            kids: new Set(['k1', 'k2']),
            createdAt: NOW - 3 * MINUTE + 1,
            consumerSince: 0,
            revoked: new Map(),
          },
        ],
      },
      'True/RotationDelayed',
      [],
    ],
    [
      'caches of an earlier, longer age are waited for',
      { ring: ringOf([due, next('k2')], { lifetimes: { ...lifetimes, longerCachesEndAt: NOW } }) },
      'True/RotationDelayed',
      [],
    ],
    [
      'another algorithm replaces a successor that never signed',
      { policy: { ...policy, algorithm: 'RS256' } },
      'True/UpToDate',
      [{ type: 'publishNext', algorithm: 'RS256' }],
    ],
    [
      'and makes the active key due',
      {
        policy: { ...policy, algorithm: 'RS256' },
        ...keys(active('k1'), next('k2', { algorithm: 'RS256', publicJwk: jwk('k2', 'RS256') })),
      },
      'True/UpToDate',
      [{ ...promotion, algorithm: 'RS256' }],
    ],
    [
      'a key is kept while a token it signed may live',
      keys(active('k1'), next('k2'), retiring('k0', NOW - AFTERLIFE + 1)),
      'True/UpToDate',
      [],
    ],
    [
      'and forgotten when the last one has expired',
      keys(active('k1'), next('k2'), retiring('k0', NOW - AFTERLIFE)),
      'True/UpToDate',
      [{ type: 'forget', kids: ['k0'] }],
    ],
    [
      'keys are forgotten even while rotation waits',
      { ...keys(due, undistributed('k2'), retiring('k0', NOW - AFTERLIFE)), ...copies('k1') },
      'True/UpToDate',
      [{ type: 'forget', kids: ['k0'] }],
    ],
    [
      'tokens of an earlier, longer lifetime keep the key that signed them',
      {
        ring: ringOf([active('k1'), next('k2'), retiring('k0', NOW - DAY)], {
          lifetimes: { ...lifetimes, longerTokensEndAt: NOW },
        }),
      },
      'True/UpToDate',
      [],
    ],
    [
      'a changed lifetime is noted before anything is forgotten',
      {
        ...keys(active('k1'), next('k2'), retiring('k0', NOW - AFTERLIFE)),
        policy: { ...policy, accessTokenTtl: 60 * MINUTE },
      },
      'True/UpToDate',
      [{ type: 'noteLifetimes', accessTokenTtl: 60 * MINUTE, jwksMaxAge: policy.jwksMaxAge }],
    ],
    [
      'a stored time far ahead stops the clockwork',
      keys(active('k1', { activatedAt: NOW + MINUTE + 1 }), next('k2'), retiring('k0', NOW - AFTERLIFE)),
      'False/ClockSkew',
      [],
    ],
    [
      'clocks that differ as far as they may do not',
      keys(active('k1', { activatedAt: NOW + MINUTE }), next('k2')),
      'True/UpToDate',
      [],
    ],
  ])('%s', (_law, ...[change, ready, does]) => {
    const done = summary(planSigningKeys(seen(change)));
    expect(done).toMatchObject({ ready, does });
  });
});

describe('a wrong clock', () => {
  const half = policy.clockSkew / 2;
  /** The API server's clock is certainly that far ahead, and maybe a second more. */
  const ahead = (millis: number): Partial<KeysObservation> => ({
    clockOffset: millis < 0 ? { least: millis - 1_000, most: millis } : { least: millis, most: millis + 1_000 },
  });
  const steps: readonly [string, Partial<KeysObservation>][] = [
    ['promotes no key', keys(due, next('k2'))],
    ['publishes none', keys(active('k1'))],
    ['forgets none', keys(active('k1'), next('k2'), retiring('k0', NOW - DAY))],
    ['notes no copies', { ...keys(active('k1'), undistributed('k2')), ...copies('k1', 'k2') }],
    ['notes no end of a longer lifetime', { policy: { ...policy, accessTokenTtl: 10 * MINUTE } }],
    ['promotes none by annotation, whose time it would note', { stack: asking('k2') }],
    ['makes no first keys', { ring: { state: 'absent' }, jwks: { state: 'absent' }, pods: [] }],
    [
      'makes none in place of a lost ring, of which it would note when the old ones retired',
      { ring: { state: 'absent' } },
    ],
  ];

  test.each(steps)('%s', (_law, change) => {
    for (const millis of [half + 1, -half - 1]) {
      const plan = planSigningKeys(seen({ ...change, ...ahead(millis) }));
      expect(summary(plan)).toEqual({ ready: 'False/ClockSkew', does: [] });
      expect(plan.recheckAt).toBe(NOW + LOOK_AGAIN);
    }
  });

  test.each(steps)('none that is certain: what differs by half of clockSkew %s no longer', (_law, change) => {
    for (const millis of [half, 0, -half]) {
      const { does } = summary(planSigningKeys(seen({ ...change, ...ahead(millis) })));
      expect(does).toHaveLength(1);
    }
    expect(summary(planSigningKeys(seen({ ...change, clockOffset: undefined }))).does).toHaveLength(1);
  });

  test('is named with both times, the difference, what is waiting, and what to do', () => {
    const plan = planSigningKeys(seen({ ...keys(due, next('k2')), ...ahead(90_500) }));
    const message = plan.conditions[0]?.message;
    expect(message).toContain("The operator's clock says 2030-01-01T00:00:00Z, the API server's 2030-01-01T00:01:30Z.");
    expect(message).toContain(
      'They differ by 90.5 s, and more than 30 s (half of spec.signingKeys.propagation.clockSkew, 60s)',
    );
    expect(message).toContain('timedatectl. Pending: Promoting k2');
  });

  test('keeps no longer lifetime unnoted, which the pods issue by at once', () => {
    const longer = { policy: { ...policy, accessTokenTtl: 60 * MINUTE, jwksMaxAge: MINUTE } };
    const noted = { type: 'noteLifetimes', accessTokenTtl: 60 * MINUTE, jwksMaxAge: policy.jwksMaxAge };
    const skewed = planSigningKeys(seen({ ...longer, ...keys(active('k1')), ...ahead(DAY) }));
    expect(summary(skewed)).toEqual({ ready: 'True/UpToDate', does: [noted] });
    const timeWentBack = keys(active('k1', { activatedAt: NOW + DAY }), next('k2'));
    expect(summary(planSigningKeys(seen({ ...longer, ...timeWentBack }))).does).toEqual([noted]);
  });

  test('publishes what the ring holds all the same, and bothers nobody while nothing is due', () => {
    const plan = planSigningKeys(seen(ahead(DAY)));
    expect(plan.actions.map(({ type }) => type)).toEqual(['apply']);
    expect(summary(plan)).toEqual({ ready: 'True/UpToDate', does: [] });
  });

  test.each([
    ['of the ring', {}],
    ['of a lost ring', { ring: { state: 'absent' } } as const],
  ])('keeps no stolen key %s in use', (_where, change) => {
    const plan = planSigningKeys(seen({ ...change, ...ahead(DAY), stack: aStack({ revokeKey: 'k1' }) }));
    expect(JSON.stringify(summary(plan).does)).toContain('"type":"revoke","kids":["k1"]');
  });

  test('of before is told from one of now: a stored time lies ahead, and the API server says who is right', () => {
    const change = keys(active('k1', { activatedAt: NOW + DAY }), next('k2'));
    const message = planSigningKeys(seen({ ...change, ...ahead(0) })).conditions[0]?.message;
    expect(message).toContain('holds the time 2030-01-02T00:00:00Z, which lies ahead');
    expect(message).toContain("the API server's 2030-01-01T00:00:00Z");
    expect(message).toContain('kubectl -n auth delete secret shop-signing-keys');
    const unknown = planSigningKeys(seen({ ...change, clockOffset: undefined })).conditions[0]?.message;
    expect(unknown).toContain("The operator's clock says 2030-01-01T00:00:00Z. The active key");
  });
});

describe('what holds a rotation or a key, by name', () => {
  const message = (change: Partial<KeysObservation>): string =>
    planSigningKeys(seen(change)).conditions[0]?.message ?? '';

  test('the pod, the keys it has, and both ways on', () => {
    const lags = message({ ...keys(due, next('k2')), pods: [pod('shop-auth-2', ['k0', 'k1'])] });
    expect(lags).toContain('Pod shop-auth-2 has loaded k0, k1, so k1 continues to sign');
    expect(lags).toContain('kubectl -n auth delete pod shop-auth-2, or');
    expect(lags).toContain('kubectl -n auth annotate --overwrite authstack shop authstack.dev/promote-key=k2');
  });

  test('a terminating pod is deleted by force, and only once its node is off', () => {
    const lags = message({ ...keys(due, next('k2')), pods: [pod('shop-auth-2', 'unknown', { isTerminating: true })] });
    expect(lags).toContain('Once its node is known to be off: kubectl -n auth delete pod shop-auth-2 --force');
  });

  test('why a retired key stays', () => {
    const pods = [pod('shop-auth-1', 'unknown')];
    expect(message({ ...keys(active('k1'), next('k2'), inUse('k0', NOW - DAY)), pods })).toContain(
      'k0 stays published as well: Pod shop-auth-1 cannot be asked',
    );
  });

  test('nobody is asked while nothing depends on it, and whoever lags is asked again', () => {
    const asks = (change: Partial<KeysObservation>): boolean => {
      const ring = asRing(seen(change));
      return ring !== undefined && dependsOnPods(ring);
    };
    expect(asks({})).toBe(false);
    expect(asks(keys(active('k1'), next('k2'), retiring('k0', NOW - AFTERLIFE + 1)))).toBe(false);
    expect(asks({ ...keys(due, next('k2')), ...copies('k1') })).toBe(true);
    expect(asks({ ...keys(due, undistributed('k2')), ...copies('k1') })).toBe(false);
    expect(asks({ ...keys(due, next('k2')), stack: aStack({ suspend: true }) })).toBe(false);
    expect(planSigningKeys(seen({ ...keys(due, next('k2')), pods: [pod('p', 'unknown')] })).recheckAt).toBe(
      NOW + 15_000,
    );
  });
});

describe('a revocation', () => {
  const asks = (revokeKey: string, suspend = false): Partial<KeysObservation> => ({
    stack: aStack({ revokeKey, suspend }),
  });
  const revoke = (kid: string): object => ({ type: 'revoke', kids: [kid] });
  const gone = (kid: string): RevokedKey => ({
    ...{ kid, revokedAt: NOW - MINUTE, mountsUntil: NOW + 2 * MINUTE, cachesUntil: NOW + 7 * MINUTE },
  });
  /** The ring has lost k1, and the pod knows. */
  const taken = {
    ring: ringOf([active('k2'), next('k3')], { revoked: [gone('k1')] }),
    pods: [knowing(pod('shop-auth-1', ['k2', 'k3']), 'k1')],
  };

  test.each<[string, Partial<KeysObservation>, string, object[]]>([
    ['the active key', asks('k1'), 'True/KeyRevoked', [revoke('k1')]],
    ['the next key', asks('k2'), 'True/KeyRevoked', [revoke('k2')]],
    [
      'a retiring key',
      { ...keys(active('k1'), next('k2'), retiring('k0')), ...asks('k0') },
      'True/KeyRevoked',
      [revoke('k0')],
    ],
    ['the only key', { ...keys(active('k1')), ...asks('k1') }, 'True/KeyRevoked', [revoke('k1')]],
    ['before a rotation that is due', { ...keys(due, next('k2')), ...asks('k1') }, 'True/KeyRevoked', [revoke('k1')]],
    [
      'whatever holds rotation back',
      { ...keys(due, undistributed('k2')), ...copies('k1'), ...asks('k1') },
      'True/KeyRevoked',
      [revoke('k1')],
    ],
    [
      'with a clock that is not to be trusted',
      { ...keys(active('k1', { activatedAt: NOW + DAY }), next('k2')), ...asks('k1') },
      'True/KeyRevoked',
      [revoke('k1')],
    ],
    ['of a suspended stack', asks('k1', true), 'True/KeyRevoked', [revoke('k1')]],
    ['where the key set is foreign', { jwks: { state: 'foreign' }, ...asks('k1') }, 'True/KeyRevoked', [revoke('k1')]],
    [
      'that was stored is not made again',
      { ...taken, ...asks('k1') },
      'True/KeyRevoked',
      [{ type: 'noteUndistributed', kid: 'k3' }],
    ],
    ['of a kid that is unknown changes nothing', asks('k9'), 'True/RevocationRefused', []],
    ['of what is no kid changes nothing', asks('{"d":"secret"}'), 'True/RevocationRefused', []],
    ['of nothing changes nothing', asks(''), 'True/RevocationRefused', []],
    [
      'that only the key set remembers holds for a restored ring',
      {
        jwks: {
          state: 'value',
          resourceVersion: '8',
          createdAt: 0,
          value: { keys: [], lifetimes, revoked: [gone('k1')] },
        },
      },
      'True/KeyRevoked',
      [revoke('k1')],
    ],
  ])('%s', (_case, change, ...[ready, does]) => {
    const done = summary(planSigningKeys(seen(change)));
    if (does.some((edit) => 'kid' in edit)) expect(done).toMatchObject({ does });
    else expect(done).toMatchObject({ ready, does });
  });

  test('of an unknown kid lists the keys there are, and never repeats what is no kid', () => {
    const said = (kid: string): string => planSigningKeys(seen(asks(kid))).conditions[0]?.message ?? '';
    expect(said('k9')).toContain('names k9, and nothing was revoked: the keys are k1 (active), k2 (next)');
    expect(said('{"d":"secret"}')).not.toContain('secret');
    expect(said('k9')).toContain('kubectl -n auth annotate authstack shop authstack.dev/revoke-key-');
  });

  test('an unknown kid is named beside what holds rotation back', () => {
    const held = { ...keys(due, undistributed('k2')), ...copies('k1'), ...asks('k9') };
    const [ready] = planSigningKeys(seen(held)).conditions;
    expect(ready).toMatchObject({ reason: 'RotationBlocked', message: expect.stringContaining('names k9') });
  });

  test('is an event, which says what signs and what may be refused until when', () => {
    const young = keys(active('k1'), next('k2', { publishedAt: NOW - MINUTE }));
    const { actions } = planSigningKeys(seen({ ...young, ...asks('k1') }));
    expect(actions.filter((action) => action.type === 'editRing')).toMatchObject([
      {
        event: {
          ...{ type: 'Warning', reason: 'SigningKeyRevoked' },
          message:
            'Revoking k1: tokens it signed are refused, and k2 signs at once. It signs before its lead is over: verifiers that ' +
            'have not fetched it refuse its tokens, by the spec until 2030-01-01T00:07:00Z. Auth pods and connected services drop it ' +
            'within seconds; who only mounts a Secret, by 2030-01-01T00:03:00Z; who polls the key set, by 2030-01-01T00:08:00Z',
        },
      },
    ]);
  });

  test('tells by when it is gone from mounts and caches, until then', () => {
    const all = { ...taken, copies: [] };
    expect(planSigningKeys(seen(all))).toMatchObject({
      conditions: [
        { reason: 'KeyRevoked', message: expect.stringContaining('from mounted Secrets by 2030-01-01T00:02:00Z') },
      ],
      recheckAt: NOW + 2 * MINUTE,
    });
    expect(summary(planSigningKeys(seen({ ...all, now: NOW + 7 * MINUTE })))).toMatchObject({ ready: 'True/UpToDate' });
  });

  test.each([false, true])(
    'is told to every pod that does not know of it, whether or not it holds the key (suspend: %s)',
    (suspend) => {
      const knows = knowing(pod('b', ['k2', 'k3']), 'k1');
      const pods = [pod('a', ['k1', 'k2']), knows, pod('c', 'unknown'), pod('d', ['k2', 'k3'])];
      const { actions, recheckAt } = planSigningKeys(seen({ ...taken, pods, ...asks('k1', suspend) }));
      const ip = '10.0.0.1';
      expect(actions.filter(({ type }) => type === 'reloadPods')).toMatchObject([
        {
          pods: [
            { name: 'a', ip },
            { name: 'd', ip },
          ],
          wanted: { keys: [jwk('k2'), jwk('k3')], signingKid: 'k2', revokedKids: ['k1'], floor: NOW - DAY },
        },
      ]);
      expect(recheckAt).toBe(NOW + 1_000);
    },
  );

  const dueNow = active('k2', { activatedAt: due.activatedAt });
  test.each<[string, Partial<KeysObservation>, { ready: string; says: RegExp }]>([
    [
      'a rotation that is delayed',
      {
        ring: ringOf([dueNow, next('k3', { publishedAt: NOW, distributedAt: NOW })], { revoked: [gone('k1')] }),
        ...copies('k2', 'k3'),
      },
      { ready: 'True/KeyRevoked', says: /^k1 is revoked\. .*\. k2 is due and continues to sign/ },
    ],
    [
      'a rotation that is blocked',
      { ring: ringOf([dueNow, undistributed('k3')], { revoked: [gone('k1')] }), ...copies('k2') },
      { ready: 'False/RotationBlocked', says: /k2 continues to sign.*\. k1 is revoked\. / },
    ],
  ])('is told beside %s', (_case, change, { ready, says }) => {
    const plan = planSigningKeys(seen({ ...taken, ...change }));
    expect(summary(plan)).toMatchObject({ ready });
    expect(plan.conditions[0]?.message).toMatch(says);
  });

  test('is told once its bounds have passed as long as somebody has not dropped the key, and is looked at again', () => {
    const waited = { kid: 'k1', consumers: { total: 1, reached: 0, waiting: ['shop/late'] } };
    const status = { signingKeys: { revoked: [waited] } } as unknown as NonNullable<AuthStack['status']>;
    const now = NOW + DAY;
    const copy = { consumer: 'shop/late', kids: new Set(['k2', 'k3']), createdAt: 0, consumerSince: 0 };
    const planned = (state: 'Held' | 'Dropped'): KeysPlan =>
      planSigningKeys(
        seen({
          ...{
            stack: aStack({ status }),
            now,
            pods: taken.pods,
            copies: [{ ...copy, revoked: new Map([['k1', state]]) }],
          },
          ring: ringOf([active('k2'), next('k3')], { revoked: [gone('k1')] }),
        }),
      );
    expect(planned('Held')).toMatchObject({
      conditions: [
        {
          ...{ status: 'True', reason: 'KeyRevoked' },
          message:
            'k1 is revoked. shop/late may still accept it, although the time to drop it ended at 2030-01-01T00:07:00Z. Restart what is named',
        },
      ],
      recheckAt: now + LOOK_AGAIN,
    });
    expect(summary(planned('Dropped'))).toMatchObject({ ready: 'True/UpToDate' });
  });

  test('names a pod that cannot be asked, with the way on, and asks it again', () => {
    const pods = [pod('a', 'unknown'), knowing(pod('b', ['k2', 'k3']), 'k1'), pod('c', 'unknown')];
    const { actions, conditions, recheckAt } = planSigningKeys(seen({ ...taken, copies: [], pods }));
    expect(actions.map(({ type }) => type)).toEqual(['apply']);
    expect(conditions).toMatchObject([
      {
        ...{ status: 'True', reason: 'KeyRevoked' },
        message: expect.stringMatching(/Pod a and 1 more cannot be asked, .* kubectl -n auth delete pod a$/),
      },
    ]);
    expect(recheckAt).toBe(NOW + LOOK_AGAIN);
  });

  test('asks a pod that has just started every other second, for it may serve by an old mount before it is told', () => {
    const starting = (ago: number): number | undefined => {
      const pods = [pod('a', 'unknown', { startedAt: NOW + DAY - ago }), ...taken.pods];
      return planSigningKeys(seen({ ...taken, ...copies('k1', 'k2', 'k3'), pods, now: NOW + DAY })).recheckAt;
    };
    expect([starting(3_000), starting(-3_000)]).toEqual([NOW + DAY + 2_000, NOW + DAY + 2_000]);
    expect(starting(MINUTE)).toBeGreaterThan(NOW + DAY + MINUTE);
  });

  test('has the pods asked in every pass from then on, for one that starts may mount what was before', () => {
    const asked = (change: Partial<KeysObservation>): boolean => {
      const ring = asRing(seen(change));
      return ring !== undefined && dependsOnPods(ring);
    };
    expect([asked({}), asked(taken), asked({ ...taken, now: NOW + DAY })]).toEqual([false, true, true]);
  });

  test('of a suspended stack is published, and nothing else of it is', () => {
    const { actions } = planSigningKeys(seen({ ...taken, ...asks('k1', true) }));
    expect(actions.map(({ type }) => type)).toEqual(['apply']);
    const value = { keys: [jwk('k2'), jwk('k3')], lifetimes, revoked: [gone('k1')] };
    const jwks = { state: 'value', resourceVersion: '9', createdAt: 0, value } as const;
    expect(planSigningKeys(seen({ ...taken, jwks, ...asks('k1', true) })).actions).toEqual([]);
  });

  test.each<[string, Key[], string, object[]]>([
    [
      'active',
      [active('k1'), next('k2'), retiring('k0')],
      'k1',
      [
        ['k0', 'retiring'],
        ['k2', 'active'],
        ['n1', 'next'],
      ],
    ],
    [
      'next',
      [active('k1'), next('k2')],
      'k2',
      [
        ['k1', 'active'],
        ['n1', 'next'],
      ],
    ],
    [
      'retiring',
      [active('k1'), next('k2'), retiring('k0')],
      'k0',
      [
        ['k1', 'active'],
        ['k2', 'next'],
      ],
    ],
    [
      'only',
      [active('k1')],
      'k1',
      [
        ['n1', 'active'],
        ['n2', 'next'],
      ],
    ],
    [
      'signing from memory',
      [next('k2'), retiring('k0')],
      'k0',
      [
        ['k2', 'active'],
        ['n1', 'next'],
      ],
    ],
  ])('of the %s key leaves one that signs and one ahead', (_which, ring, ...[kid, left]) => {
    let made = 0;
    const fresh = (): FreshKey => ({ ...undistributed(`n${(made += 1)}`), privateJwk: { d: 'private' } });
    const stored: StoredRing = {
      keys: ring.map((key): StoredKey => (key.phase === 'retiring' ? key : { ...key, privateJwk: { d: 'private' } })),
      ...{ lifetimes, revoked: [], version: 1 },
    };
    const after = editRing(stored, revocationOf([kid], policy, { withSuccessor: true }), { at: NOW, fresh });
    expect(after.keys.map((key) => [key.kid, key.phase])).toEqual(left);
    expect(after.revoked).toEqual([{ kid, revokedAt: NOW, mountsUntil: NOW + 3 * MINUTE, cachesUntil: NOW + LEAD }]);
  });
});

describe('a ring that was lost', () => {
  const lost: Partial<KeysObservation> = { ring: { state: 'absent' } };
  const rebuilt = ringOf([undistributed('n', { publishedAt: NOW }), inUse('k1', NOW - 40 * MINUTE), inUse('k2', NOW)]);

  test('keeps its public keys, and waits with the new one while pods sign from memory', () => {
    const plan = planSigningKeys(seen(lost));
    expect(summary(plan)).toMatchObject({
      ready: 'False/SigningKeysLost',
      does: [{ type: 'createRing', first: 'next', remembered: [jwk('k1'), jwk('k2')], lifetimes }],
    });
    expect(plan.actions).toMatchObject([{ event: { type: 'Warning', reason: 'SigningKeysLost' } }]);
  });

  test('signs at once with the new key where no pod can have the old one', () => {
    expect(summary(planSigningKeys(seen({ ...lost, authServiceRunsSince: [] })))).toMatchObject({
      does: [{ type: 'createRing', first: 'active' }],
    });
  });

  test.each<[string, Partial<KeysObservation>, string, object[]]>([
    ['waits out the lead', copies('k1'), 'False/SigningKeysLost', []],
    ['then signs', { now: NOW + LEAD }, 'False/CreatingKeys', [{ type: 'promote', kid: 'n' }]],
    [
      'signs at once when the last pod of before is gone',
      { authServiceRunsSince: [NOW + 1] },
      'False/CreatingKeys',
      [{ type: 'promote', kid: 'n' }],
    ],
  ])('%s, and forgets nothing meanwhile', (_law, ...[change, ready, does]) => {
    expect(summary(planSigningKeys(seen({ ring: rebuilt, ...change })))).toMatchObject({ ready, does });
  });
});

describe('a key that is brought along', () => {
  const from = { secretRef: { name: 'old-key', key: 'key' } };
  const base = aStack();
  const stack = { ...base, spec: { ...base.spec, signingKeys: { ...base.spec.signingKeys, importFrom: from } } };
  const founding: Partial<KeysObservation> = { stack, ring: { state: 'absent' }, jwks: { state: 'absent' }, pods: [] };
  const usable: Partial<KeysObservation> = { ...founding, imported: { state: 'usable', kid: 'old' } };
  const messageOf = (change: Partial<KeysObservation>): string =>
    planSigningKeys(seen(change)).conditions[0]?.message ?? '';

  test('is the first one, and announced only once it was done', () => {
    const plan = planSigningKeys(seen(usable));
    expect(plan.actions).toEqual([
      expect.objectContaining({
        ...{ type: 'createRing', first: 'active', imported: { kid: 'old', from } },
        event: {
          type: 'Normal',
          reason: 'KeyImported',
          message: expect.stringContaining('old from Secret old-key') as unknown,
        },
      }),
    ]);
  });

  test.each<[string, Partial<KeysObservation>, string, string]>([
    [
      'whose Secret is missing',
      { imported: { state: 'missing' } },
      'ImportedKeyNotFound',
      'kubectl -n auth create secret generic old-key --from-file=key=…, or remove spec.signingKeys.importFrom',
    ],
    [
      'that cannot be used',
      { imported: { state: 'refused', why: 'is an RSA key of 1024 bits' } },
      'ImportedKeyRefused',
      'key of Secret old-key of spec.signingKeys.importFrom is an RSA key of 1024 bits. No key was created',
    ],
    [
      'that was revoked',
      {
        imported: { state: 'usable', kid: 'old' },
        jwks: {
          ...{ state: 'value', resourceVersion: '8', createdAt: NOW },
          value: { keys: [], revoked: [{ kid: 'old', revokedAt: 1, mountsUntil: 2, cachesUntil: 3 }] },
        },
      },
      'ImportedKeyRefused',
      'has the kid old, which was revoked',
    ],
  ])('%s is named, with the way on, and none is made in its place', (_what, ...[change, reason, message]) => {
    const plan = planSigningKeys(seen({ ...founding, ...change }));
    expect(plan.actions).toEqual([]);
    expect(plan.conditions).toMatchObject([{ status: 'False', reason }]);
    expect(messageOf({ ...founding, ...change })).toContain(message);
    expect(plan.stalled).toMatchObject({ reason });
    expect(plan.recheckAt).toBe(NOW + LOOK_AGAIN);
  });

  test('waits for the clocks, and for the end of a suspension', () => {
    const skewed = planSigningKeys(seen({ ...usable, clockOffset: { least: DAY, most: DAY } }));
    const suspended = planSigningKeys(seen({ ...usable, stack: { ...stack, spec: { ...stack.spec, suspend: true } } }));
    expect([...skewed.actions, ...suspended.actions]).toEqual([]);
  });

  test('is nothing to a stack that has keys, or has lost its ring', () => {
    expect(summary(planSigningKeys(seen({ stack })))).toEqual({ ready: 'True/UpToDate', does: [] });
    const lost = planSigningKeys(seen({ stack, ring: { state: 'absent' } }));
    expect(summary(lost).does).toEqual([expect.not.objectContaining({ imported: expect.anything() as unknown })]);
  });

  test.each<[string, Partial<KeysObservation>, boolean]>([
    ['no key was ever published', founding, true],
    ['what was published is empty', { ...founding, jwks: { ...published(), value: { keys: [] } } }, true],
    ['a ring is there', { ...founding, ring: ringOf([active('k1')]) }, false],
    ['a ring cannot be read', { ...founding, ring: { state: 'malformed', why: 'is missing' } }, false],
    ['a ring was lost', { ...founding, jwks: published() }, false],
  ])('is looked at where %s: %s', (_where, change, looks) => {
    expect(isFounding(seen(change))).toBe(looks);
  });

  function published(): Extract<KeysObservation['jwks'], { state: 'value' }> {
    return { state: 'value', resourceVersion: '8', createdAt: NOW, value: { keys: [jwk('k0')] } };
  }
});

describe('what is not ours or cannot be read', () => {
  test.each<[string, Partial<KeysObservation>, string, string]>([
    ['a foreign ring', { ring: { state: 'foreign' } }, 'SecretNotOwned', 'shop-signing-keys'],
    [
      'a foreign key set, with no ring',
      { ring: { state: 'absent' }, jwks: { state: 'foreign' } },
      'SecretNotOwned',
      'shop-jwks',
    ],
    ['a foreign key set, with a ring', { jwks: { state: 'foreign' } }, 'SecretNotOwned', 'shop-jwks'],
    [
      'a damaged ring',
      { ring: { state: 'malformed', why: 'ring.json is bad' } },
      'SecretMalformed',
      'shop-signing-keys',
    ],
  ])('%s is named and never written over', (_what, ...[change, reason, named]) => {
    const plan = planSigningKeys(seen(change));
    expect(plan).toMatchObject({ actions: [], conditions: [{ status: 'False', reason }], stalled: { reason } });
    expect(plan.conditions[0]?.message).toContain(named);
    expect(plan.conditions[0]?.message).toContain('kubectl -n auth');
  });
});

describe('a rotation that is held back', () => {
  const held = { ...keys(due, undistributed('k2')), ...copies('k1') };

  test('names the consumer and the command to look at it', () => {
    const [ready] = planSigningKeys(seen(held)).conditions;
    expect(ready?.message).toBe(
      'shop/orders cannot verify k2 yet, so k1 continues to sign: kubectl -n shop describe authconsumer orders',
    );
  });

  test('stalls the stack once it has lasted', () => {
    const plan = planSigningKeys(seen(held));
    expect(plan.stalled).toBeUndefined();
    expect(plan.recheckAt).toBeLessThanOrEqual(NOW + STALL_AFTER);
    const lasting = { type: 'KeysReady', status: 'False', reason: 'RotationBlocked', message: '' } as const;
    const stack = aStack({ status: { conditions: [{ ...lasting, lastTransitionTime: '2030-01-01T00:00:00Z' }] } });
    const later = planSigningKeys(seen({ ...held, stack, now: NOW + STALL_AFTER }));
    expect(later.stalled).toMatchObject({ reason: 'RotationBlocked' });
  });

  test('names three of five hundred consumers', () => {
    const many = Array.from({ length: 500 }, (_, n) => ({
      consumer: `shop/c${n}`,
      kids: new Set(['k1']),
      createdAt: NOW - DAY,
      consumerSince: 0,
      revoked: new Map(),
    }));
    const [ready] = planSigningKeys(seen({ ...held, copies: many })).conditions;
    expect(ready?.message).toContain('and 497 more cannot verify k2 yet');
    expect(ready?.message.length).toBeLessThan(300);
  });
});

describe('a suspended stack', () => {
  const stack = aStack({ suspend: true });
  const suspended: [string, Partial<KeysObservation>, string][] = [
    ['with a due key', keys(due, next('k2')), 'True/RotationSuspended'],
    [
      'with a key that could be forgotten',
      keys(active('k1'), next('k2'), retiring('k0', NOW - AFTERLIFE)),
      'True/RotationSuspended',
    ],
    ['without keys', { ring: { state: 'absent' }, jwks: { state: 'absent' } }, 'False/CreatingKeys'],
    ['that lost its ring', { ring: { state: 'absent' } }, 'False/SigningKeysLost'],
  ];

  test.each(suspended)(
    '%s changes nothing, announces nothing, and asks for no pass to follow it up',
    (_case, change, ready) => {
      const plan = planSigningKeys(seen({ ...change, stack }));
      expect(plan.actions).toEqual([]);
      expect(plan.recheckAt ?? Infinity).toBeGreaterThanOrEqual(NOW + LOOK_AGAIN);
      expect(plan.stalled).toBeUndefined();
      expect(summary(plan)).toMatchObject({ ready });
      expect(plan.conditions[0]?.message).toMatch(
        /^spec\.suspend is true, so the operator does not change the keys\. Pending: /,
      );
    },
  );

  test('with nothing due is as it is', () => {
    expect(summary(planSigningKeys(seen({ stack })))).toEqual({ ready: 'True/UpToDate', does: [] });
  });
});

test.each<[string, Partial<KeysObservation>]>([
  ['cannot be read', { ring: { state: 'malformed', why: 'ring.json is missing or invalid' } }],
  ['is lost', { ring: { state: 'absent' } }],
  ['is foreign', { ring: { state: 'foreign' } }],
])('of a ring that %s no key stays in the status', (_case, change) => {
  expect(planSigningKeys(seen(change)).status).toEqual({ signingKeys: undefined });
});

test('a promotion is reported by its action', () => {
  const plan = planSigningKeys(seen(keys(due, next('k2'))));
  expect(plan.actions.filter(({ event }) => event)).toMatchObject([
    { type: 'editRing', event: { type: 'Normal', reason: 'KeyPromoted', message: 'k2 signs from now on: k1 is due' } },
  ]);
});

test('no action carries the stack', () => {
  for (const change of [{}, keys(due, next('k2')), { ring: { state: 'absent' } } as const]) {
    expect(JSON.stringify(planSigningKeys(seen(change)).actions)).not.toContain('publicURL');
  }
});

test('every deadline that no change announces is slept until', () => {
  const ring = keys(active('k1'), next('k2'), retiring('k0', NOW - MINUTE));
  expect(planSigningKeys(seen(ring)).recheckAt).toBe(NOW - MINUTE + AFTERLIFE);
  expect(planSigningKeys(seen()).recheckAt).toBe(NOW - DAY + policy.rotationInterval - RECONNECTED - policy.clockSkew);
});

test('what is published is exactly the public halves of the ring', () => {
  const ring = keys(active('k1'), next('k2'), retiring('k0'));
  const [action] = planSigningKeys(seen(ring)).actions;
  if (action?.type !== 'apply') throw new Error('expected the key set to be applied');
  const { data } = action.object as unknown as { data: Record<string, string> };
  expect(JSON.parse(atob(data['jwks.json'] ?? ''))).toEqual({ keys: [jwk('k1'), jwk('k2'), jwk('k0')] });
  expect(action.object.metadata).toMatchObject({ name: 'shop-jwks', namespace: 'auth' });
  expect(action.object.metadata.ownerReferences).toBeUndefined();
});

test('the status tells each key with its bounds', () => {
  const { status } = planSigningKeys(seen(keys(active('k1'), next('k2'), retiring('k0', NOW))));
  expect(status.signingKeys).toEqual({
    activeKid: 'k1',
    nextKid: 'k2',
    keys: [
      { kid: 'k1', state: 'Active', since: '2029-12-31T00:00:00Z' },
      { kid: 'k2', state: 'Published', since: '2029-12-31T00:00:00Z' },
      { kid: 'k0', state: 'Retiring', since: '2030-01-01T00:00:00Z', until: '2030-01-01T00:33:00Z' },
    ],
    revoked: undefined,
    lastRotationTime: '2029-12-31T00:00:00Z',
    nextRotationTime: '2030-01-30T00:00:00Z',
  });
});

test('the status tells each key that was revoked with its bounds, the last eight of them', () => {
  const revoked = Array.from({ length: 9 }, (_, index) => ({
    kid: `r${index}`,
    revokedAt: NOW - DAY,
    mountsUntil: NOW - DAY + 3 * MINUTE,
    cachesUntil: NOW - DAY + LEAD,
  }));
  const { status } = planSigningKeys(seen({ ring: ringOf([active('k1'), next('k2')], { revoked }) }));
  expect(status.signingKeys?.revoked?.map(({ kid }) => kid)).toEqual(['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8']);
  // Over before anybody counted who has dropped it.
  expect(status.signingKeys?.revoked?.[0]).toEqual({
    kid: 'r1',
    revokedTime: '2029-12-31T00:00:00Z',
    mountsUntil: '2029-12-31T00:03:00Z',
    cachesUntil: '2029-12-31T00:08:00Z',
  });
});
