import { describe, expect, test } from '@jest/globals';
import { LOOK_AGAIN } from '../planning.ts';
import type { Wrapping } from '../stored/key-ring.ts';
import { planSigningKeys } from './plan.ts';
import { dependsOnPods } from './pods.ts';
import { ringOf as asRing } from './ring.ts';
import {
  CUSTODY,
  LEAD,
  MINUTE,
  NOW,
  aStack,
  active,
  jwk,
  next,
  pod,
  policy,
  retiring,
  ringOf,
  seen,
} from './testing/seen.ts';
import type { KeysObservation, SeenWrappingKeys, SigningKeysAction } from './types.ts';
import { WRAPPING_KEYS_SEEN } from './wrapping.ts';

/** Keys of the owner's in place of names: `A` under the entry `a`, `B` under `b`. */

const A: Wrapping = { secretName: CUSTODY, keyId: 'A' };
const B: Wrapping = { secretName: CUSTODY, keyId: 'B' };
const elsewhere: Wrapping = { secretName: 'vault', keyId: 'A' };

type Wanted = SeenWrappingKeys['wanted'];
const usable = (wrapping: Wrapping): Wanted => ({ state: 'usable', ...wrapping });
const noSecret: Wanted = { state: 'missing', what: 'secret' };
const noEntry: Wanted = { state: 'missing', what: 'entry' };
const refused: Wanted = { state: 'refused', why: 'has 5 bytes: neither 32, nor their base64 (43 or 44 characters)' };

/** A ring that is wrapped so, a spec that wants so, a Secret that holds so many, and a pod that has loaded so many. */
interface Situation {
  readonly ring?: Wrapping | 'plain' | 'none';
  readonly wanted: Wanted;
  readonly ids?: readonly string[];
  readonly loaded?: readonly string[] | 'unknown';
  readonly keys?: Parameters<typeof ringOf>[0];
  readonly change?: Partial<KeysObservation>;
  readonly revokeKey?: string;
}

const first = [active('k1'), next('k2')];

function observed({
  ring = 'plain',
  wanted,
  ids = [],
  loaded = [],
  keys = first,
  ...more
}: Situation): KeysObservation {
  const encryption = wanted.state === 'none' ? undefined : 'b';
  const holder = pod('shop-auth-1', loaded === 'unknown' ? loaded : ['k1', 'k2']);
  const report =
    typeof holder.report === 'string' ? holder.report : { ...holder.report, wrappingKeys: [loaded].flat() };
  return seen({
    stack: aStack({ encryption, revokeKey: more.revokeKey }),
    ring: ring === 'none' ? { state: 'absent' } : ringOf(keys, ring === 'plain' ? {} : { wrapping: ring }),
    wrappingKeys: { wanted, ids },
    pods: [{ ...holder, report }],
    ...more.change,
  });
}

function planned(situation: Situation): { ready: string; message: string; does: readonly object[]; recheckAt: number } {
  const { conditions, actions, recheckAt = Infinity } = planSigningKeys(observed(situation));
  const [ready] = conditions;
  return {
    ready: `${ready?.status ?? ''}/${ready?.reason ?? ''}`,
    message: ready?.message ?? '',
    does: actions.flatMap((action: SigningKeysAction): object[] => {
      if (action.type === 'editRing') return [action.edit];
      return action.type === 'createRing' ? [action] : [];
    }),
    recheckAt,
  };
}

const to = (wrapping: Wrapping | 'plain'): object => ({ type: 'rewrap', wrapping });

describe('the ring is wrapped as the spec asks', () => {
  test.each<[string, Situation, object[]]>([
    ['on', { wanted: usable(B), ids: ['B'], loaded: ['B'] }, [to(B)]],
    ['on, without any pod', { wanted: usable(B), ids: ['B'], change: { pods: [] } }, [to(B)]],
    ['off', { ring: A, wanted: { state: 'none' }, ids: ['A'] }, [to('plain')]],
    ['with the next key', { ring: A, wanted: usable(B), ids: ['A', 'B'], loaded: ['A', 'B'] }, [to(B)]],
    ['by another Secret', { ring: elsewhere, wanted: usable(A), ids: ['A'], loaded: ['A'] }, [to(A)]],
    ['already', { ring: A, wanted: usable(A), ids: ['A'], loaded: ['A'] }, []],
    ['never', { wanted: { state: 'none' } }, []],
  ])('%s', (_how, situation, does) => {
    expect(planned(situation)).toMatchObject({ ready: 'True/UpToDate', does });
  });

  test('it is looked at again every two minutes, and never where nothing is wrapped', () => {
    expect(planned({ ring: A, wanted: usable(A), ids: ['A'] }).recheckAt).toBe(NOW + WRAPPING_KEYS_SEEN);
    expect(planned({ wanted: { state: 'none' } }).recheckAt).toBeGreaterThan(NOW + WRAPPING_KEYS_SEEN);
  });

  test('neither a wrong clock nor a stored time that lies ahead holds it back', () => {
    const on = { wanted: usable(B), ids: ['B'], loaded: ['B'] };
    const wrongClock = { clockOffset: { least: 600_000, most: 601_000 } };
    const ahead = { keys: [active('k1', { activatedAt: NOW + 60 * MINUTE }), next('k2')] };
    expect(planned({ ...on, change: wrongClock }).does).toEqual([to(B)]);
    expect(planned({ ...on, ...ahead }).does).toEqual([to(B)]);
  });

  test('a suspended stack stays as it is, and says what is pending', () => {
    const stack = aStack({ encryption: 'b', suspend: true });
    const situation = { wanted: usable(B), ids: ['B'], loaded: ['B'], change: { stack } };
    expect(planned(situation)).toMatchObject({
      ...{ ready: 'True/RotationSuspended', does: [] },
      message: expect.stringContaining('wrapped with the key of id B of Secret custody') as unknown,
    });
  });
});

describe('while an auth pod has not loaded the wrapping key', () => {
  test.each<[string, Situation, string]>([
    ['one of an earlier template', { wanted: usable(B), ids: ['B'] }, 'stay plain until .* Pod shop-auth-1 has none'],
    [
      'one whose mount is behind',
      { ring: A, wanted: usable(B), ids: ['A', 'B'], loaded: ['A'] },
      'stay wrapped with the key of id A until .* of id B of Secret custody: Pod shop-auth-1 has A',
    ],
    ['one that cannot be asked', { wanted: usable(B), ids: ['B'], loaded: 'unknown' }, 'does not say which it has'],
  ])('%s, nothing is wrapped anew: it could not read it', (_which, situation, message) => {
    const plan = planned(situation);
    expect(plan).toMatchObject({ ready: 'True/EncryptionPending', does: [] });
    expect(plan.message).toMatch(new RegExp(message));
    expect(plan.message).toContain('kubectl -n auth delete pod shop-auth-1');
    expect(plan.recheckAt).toBe(NOW + LOOK_AGAIN);
  });

  test('keys rotate as before', () => {
    const due = active('k1', { activatedAt: NOW - policy.rotationInterval });
    const situation = { wanted: usable(B), ids: ['B'], keys: [due, next('k2')] };
    expect(planned(situation).does).toMatchObject([{ type: 'promote', kid: 'k2' }]);
  });

  test('it is asked, and not at other times', () => {
    const asks = (situation: Situation): boolean => {
      const ring = asRing(observed(situation));
      return ring !== undefined && dependsOnPods(ring);
    };
    expect(asks({ wanted: usable(B), ids: ['B'] })).toBe(true);
    expect(asks({ ring: A, wanted: usable(B), ids: ['A', 'B'] })).toBe(true);
    for (const at of rest) expect([at, asks(at)]).toEqual([at, false]);
  });

  const rest: readonly Situation[] = [
    { wanted: { state: 'none' } },
    { ring: A, wanted: usable(A), ids: ['A'] },
    { ring: A, wanted: { state: 'none' }, ids: ['A'] },
    { ring: A, wanted: usable(B), ids: ['B'] },
    { wanted: noSecret },
  ];
});

const dueNow = [active('k1', { activatedAt: NOW - policy.rotationInterval }), next('k2')];
const off: Wanted = { state: 'none' };

describe('a wrapping key that is not there', () => {
  test.each<[string, Situation, string, RegExp]>([
    [
      'at founding: no Secret',
      { ring: 'none', wanted: noSecret, change: { jwks: { state: 'absent' } } },
      'False/EncryptionKeyNotFound',
      /^Secret custody of spec\.signingKeys\.encryption does not exist\. No signing key is created\. Pending: Creating the first .*openssl rand .*create secret generic custody --from-file=b=wrapping\.key$/,
    ],
    [
      'at founding: no entry',
      { ring: 'none', wanted: noEntry, change: { jwks: { state: 'absent' } } },
      'False/EncryptionKeyNotFound',
      /^Secret custody of .* has no b, or it is empty\. No signing key .*apply --server-side/,
    ],
    [
      'at founding: none',
      { ring: 'none', wanted: refused, change: { jwks: { state: 'absent' } } },
      'False/EncryptionKeyRefused',
      /^b of Secret custody of spec\.signingKeys\.encryption has 5 bytes: neither 32, nor their base64 .*No signing key/,
    ],
    [
      'when the ring was lost',
      { ring: 'none', wanted: noSecret },
      'False/EncryptionKeyNotFound',
      /Pending: Secret shop-signing-keys is gone/,
    ],
    [
      'before it is used',
      { wanted: noSecret },
      'False/EncryptionKeyNotFound',
      /stay as they are, not wrapped\. Make one/,
    ],
    [
      'before it is used in place of another',
      { ring: A, wanted: noEntry, ids: ['A'] },
      'False/EncryptionKeyNotFound',
      /stay wrapped with the key of id A\. Make one/,
    ],
    [
      'later: no Secret',
      { ring: A, wanted: noSecret, keys: dueNow },
      'False/EncryptionKeyNotFound',
      /wrapped with the key of id A, so auth pods that run sign from memory, .*Pending: Promoting k2.*Restore that key .*delete secret shop-signing-keys$/,
    ],
    [
      'changed in place',
      { ring: A, wanted: usable(B), ids: ['B'], keys: dueNow },
      'False/EncryptionKeyLost',
      /^Secret custody is gone, or has no longer the key of id A; b of Secret custody has the id B\. .*Pending: Promoting/,
    ],
    [
      'spoilt in place',
      { ring: A, wanted: refused },
      'False/EncryptionKeyRefused',
      /sign from memory, .*Restore that key/,
    ],
    [
      'removed from the spec',
      { ring: A, wanted: off, keys: dueNow },
      'False/EncryptionKeyLost',
      /^Secret custody is gone, or has no longer the key of id A\. .*Pending/,
    ],
    [
      'while no next key is published',
      { ring: A, wanted: noSecret, keys: [active('k1')] },
      'False/EncryptionKeyNotFound',
      /Pending: Publishing/,
    ],
  ])('%s: nothing is made or changed, and what to do is said', (_when, ...[situation, ready, message]) => {
    const plan = planned(situation);
    expect(plan).toMatchObject({ ready, does: [] });
    expect(plan.message).toMatch(message);
    expect(plan.recheckAt).toBe(NOW + LOOK_AGAIN);
  });

  test('a key that is not needed for what is due holds nothing back', () => {
    expect(planned({ wanted: noSecret, keys: dueNow }).does).toMatchObject([{ type: 'promote', kid: 'k2' }]);
    expect(planned({ ring: A, wanted: noEntry, ids: ['A'], keys: dueNow }).does).toMatchObject([{ type: 'promote' }]);
  });

  test('without it notes are taken, and keys forgotten, as always', () => {
    const old = retiring('k0', NOW - 40 * MINUTE);
    const situation = { ring: A, wanted: noSecret, keys: [...first, old] };
    expect(planned(situation).does).toMatchObject([{ type: 'forget', kids: ['k0'] }]);
  });

  test('what else is the case is said beside it', () => {
    const revoked = [{ kid: 'k9', revokedAt: NOW, mountsUntil: NOW + MINUTE, cachesUntil: NOW + LEAD }];
    const ring = ringOf(first, { wrapping: A, revoked });
    const plan = planned({ ring: A, wanted: noSecret, change: { ring, pods: [] } });
    expect(plan.ready).toBe('False/EncryptionKeyNotFound');
    expect(plan.message).toMatch(/does not exist.*\. k9 is revoked/);
  });

  test.each<[string, Situation]>([
    ['is foreign', { wanted: noSecret, change: { ring: { state: 'foreign' } } }],
    ['cannot be read', { wanted: noSecret, change: { ring: { state: 'malformed', why: 'key k1 was changed' } } }],
  ])('of a ring that %s that is said first', (_how, situation) => {
    expect(planned(situation).ready).toMatch(/^False\/Secret(NotOwned|Malformed)$/);
  });
});

describe('without the wrapping key a stolen key is taken away all the same', () => {
  test.each<[string, Situation, object, RegExp]>([
    [
      'the active one: the next one signs, and none is made',
      { ring: A, wanted: noSecret, revokeKey: 'k1' },
      { type: 'revoke', kids: ['k1'] },
      /k2 signs at once/,
    ],
    [
      'the next one',
      { ring: A, wanted: noSecret, revokeKey: 'k2' },
      { type: 'revoke', kids: ['k2'] },
      /the key that signs stays/,
    ],
    [
      'the last one: nobody can sign in',
      { ring: A, wanted: noSecret, revokeKey: 'k1', keys: [active('k1')] },
      { type: 'revoke', kids: ['k1'] },
      /no key signs, so nobody can sign in, until the key of spec\.signingKeys\.encryption is there/,
    ],
  ])('%s', (_which, ...[situation, edit, message]) => {
    const plan = planned(situation);
    expect(plan.does).toEqual([expect.objectContaining(edit)]);
    expect(plan.does).not.toEqual([expect.objectContaining({ algorithm: expect.anything() as unknown })]);
    expect(plan.message).toMatch(message);
  });

  test('of a lost ring: the others stay published, and no key is made', () => {
    const [made, ...others] = planned({ ring: 'none', wanted: noSecret, revokeKey: 'k1' }).does;
    expect(others).toEqual([]);
    expect(made).toMatchObject({
      type: 'createRing',
      remembered: [jwk('k1'), jwk('k2')],
      revocation: { kids: ['k1'] },
    });
    expect(made).not.toHaveProperty('algorithm');
    expect(made).not.toHaveProperty('wrapping');
  });

  test('and once it is back, the first key is made, wrapped, and signs at once: with what was revoked no pod signs', () => {
    const keys: Situation['keys'] = [];
    const back = { wanted: usable(B), ids: ['B'], keys };
    expect(planned({ ...back, ring: 'plain' }).does).toEqual([to(B)]);
    expect(planned({ ...back, ring: B }).does).toMatchObject([{ type: 'publishNext' }]);
    expect(planned({ ...back, ring: B, keys: [next('k3', { publishedAt: NOW })] }).does).toMatchObject([
      { type: 'promote', kid: 'k3' },
    ]);
    // Nothing plain beside it meanwhile.
    expect(planned({ wanted: noSecret, keys })).toMatchObject({ ready: 'False/EncryptionKeyNotFound', does: [] });
  });
});

describe('at founding', () => {
  const founding = { ring: 'none', change: { jwks: { state: 'absent' } } } as const;

  test('keys are created wrapped', () => {
    const { does } = planned({ ...founding, wanted: usable(B), ids: ['B'] });
    expect(does).toMatchObject([{ type: 'createRing', wrapping: B }]);
  });

  test('so is one that is brought along', () => {
    const from = { secretRef: { name: 'old', key: 'key' } };
    const base = aStack({ encryption: 'b' });
    const stack = { ...base, spec: { ...base.spec, signingKeys: { ...base.spec.signingKeys, importFrom: from } } };
    const imported = { state: 'usable', kid: 'k9' } as const;
    const change = { ...founding.change, stack, imported };
    expect(planned({ ...founding, wanted: usable(B), ids: ['B'], change }).does).toMatchObject([
      { type: 'createRing', wrapping: B, imported: { kid: 'k9' } },
    ]);
    const waits = planned({ ...founding, wanted: noSecret, change });
    expect(waits).toMatchObject({ ready: 'False/EncryptionKeyNotFound', does: [] });
    expect(waits.message).toMatch(/Pending: Importing the first signing key k9/);
    const bothMissing = planned({
      ...founding,
      wanted: noSecret,
      change: { ...change, imported: { state: 'missing' } },
    });
    expect(bothMissing.message).toMatch(
      /Secret custody .* does not exist.* Besides: Secret old of .*importFrom does not exist/,
    );
  });

  test('after a loss as well, and the old ones stay published', () => {
    const { does } = planned({ ring: 'none', wanted: usable(B), ids: ['B'] });
    expect(does).toMatchObject([{ type: 'createRing', wrapping: B, remembered: [jwk('k1'), jwk('k2')] }]);
  });
});

test('the status tells which key the private keys are wrapped with, and nothing where they are plain', () => {
  const idOf = (situation: Situation): unknown =>
    planSigningKeys(observed(situation)).status.signingKeys?.wrappingKeyId;
  expect(idOf({ ring: A, wanted: usable(A), ids: ['A'] })).toBe('A');
  expect(idOf({ ring: A, wanted: noSecret })).toBe('A');
  expect(idOf({ wanted: noSecret })).toBeUndefined();
});
