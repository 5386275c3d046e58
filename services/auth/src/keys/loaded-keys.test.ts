import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { MovableClock, ringKey } from '../testing/world.ts';
import type { RingKey } from '../testing/world.ts';
import { parseKeyRing, revokedIn } from './key-ring.ts';
import type { MountedRing } from './key-ring.ts';
import { LoadedKeys, RingBelowFloor, keptKeys } from './loaded-keys.ts';
import type { KeptKeys } from './loaded-keys.ts';

const [k1, k2, k3] = [ringKey('k1', 'active'), ringKey('k2', 'next'), ringKey('k3', 'next')] as const;
const k4 = ringKey('k4', 'next');

function version(number: number, ...keys: readonly RingKey[]): MountedRing {
  return parseKeyRing(JSON.stringify({ version: number, keys }));
}

const publicOf = (...keys: readonly RingKey[]): { kid: string }[] => keys.map((key) => key['publicJwk'] as never);

function aPod(...mounts: readonly MountedRing[]): LoadedKeys {
  return aContainer().with(...mounts);
}

/** The first container of a pod, or the one after it, with what that has kept. */
function aContainer(before?: KeptKeys) {
  const audit: unknown[] = [];
  let kept: KeptKeys | undefined;
  const log = pino(
    { level: 'warn' },
    { write: (line) => void audit.push(JSON.parse(line) as { audit?: string; kid?: string; by?: string }) },
  );
  const memory = { before, keep: (value: KeptKeys) => (kept = keptKeys.parse(JSON.parse(JSON.stringify(value)))) };
  const keys = new LoadedKeys({ podName: 'shop-auth-1', clock: new MovableClock(), log, memory });
  return {
    keys,
    audit,
    kept: () => kept,
    with(...mounts: readonly MountedRing[]) {
      for (const ring of mounts) keys.mount(ring);
      return keys;
    },
  };
}

function inUse(keys: LoadedKeys): object {
  const { active, jwks } = keys.current() ?? {};
  const { kids, signingKid } = keys.report();
  expect(kids).toEqual(jwks?.keys.map(({ kid }) => kid) ?? []);
  expect(signingKid).toBe(active?.kid);
  return { signs: signingKid, kids };
}

function phasesOf(keys: LoadedKeys): object {
  return Object.fromEntries(keys.current()?.held.map(({ kid, phase }) => [kid, phase]) ?? []);
}

test('the mounted ring is in use, and a newer one after it', () => {
  const keys = aPod(version(1, k1, k2));
  expect(inUse(keys)).toEqual({ signs: 'k1', kids: ['k1', 'k2'] });
  expect(keys.report()).toMatchObject({ secretVersion: 1, floor: 0, pod: 'shop-auth-1' });

  keys.mount(version(2, { ...k1, phase: 'retiring' }, { ...k2, phase: 'active' }, k3));
  expect(inUse(keys)).toEqual({ signs: 'k2', kids: ['k1', 'k2', 'k3'] });
});

test('a revoked key neither signs nor verifies nor is published, and no mount brings it back', () => {
  const keys = aPod(version(1, k1, k2));

  keys.reload({ keys: publicOf(k2, k3), signingKid: 'k2', revokedKids: ['k1'], floor: 2 });
  expect(inUse(keys)).toEqual({ signs: 'k2', kids: ['k2', 'k3'] });

  // Somebody restored the Secret of before, under whatever version.
  for (const number of [1, 2, 3]) {
    keys.mount(version(number, k1, k2));
    expect([number, inUse(keys)]).toEqual([
      number,
      { signs: number === 1 ? 'k2' : undefined, kids: number === 1 ? ['k2', 'k3'] : ['k2'] },
    ]);
  }
  expect(keys.report().revokedKids).toEqual(['k1']);
});

test('a key that was revoked before any ring was mounted is not used either', () => {
  const keys = aPod();
  keys.reload({ keys: publicOf(k2), revokedKids: ['k1'], floor: 2 });
  expect(keys.current()).toBeUndefined();

  keys.mount(version(1, k1, k2));

  expect(inUse(keys)).toEqual({ signs: undefined, kids: ['k2'] });
});

test('a mount below the floor is not used, and is told of', () => {
  const keys = aPod(version(4, k1, k2));
  keys.reload({ keys: publicOf(k1, k2, k3), revokedKids: [], floor: 5 });
  expect([inUse(keys), keys.problem]).toEqual([
    { signs: 'k1', kids: ['k1', 'k2', 'k3'] },
    expect.stringContaining('version 4, older than 5'),
  ]);

  expect(() => {
    keys.mount(version(3, { ...k3, phase: 'active' }));
  }).toThrow(RingBelowFloor);
  expect(inUse(keys)).toEqual({ signs: 'k1', kids: ['k1', 'k2', 'k3'] });

  keys.mount(version(5, k1, k2, k3));
  expect([inUse(keys), keys.problem]).toEqual([{ signs: 'k1', kids: ['k1', 'k2', 'k3'] }, undefined]);
});

test('a pod that lacks the key that is to sign signs with the one of its mount, while that is published and not revoked', () => {
  const keys = aPod(version(1, k1, k2));

  keys.reload({ keys: publicOf(k1, k3, k4), signingKid: 'k3', revokedKids: ['k2'], floor: 5 });
  expect(inUse(keys)).toEqual({ signs: 'k1', kids: ['k1', 'k3', 'k4'] });
  expect(phasesOf(keys)).toEqual({ k1: 'retiring', k3: 'active', k4: 'next' });
  expect(keys.problem).toContain('it signs with k1, for it lacks the private half of k3');

  // By a call that came late.
  keys.reload({ keys: publicOf(k1, k2), revokedKids: ['k1'], floor: 4 });
  expect(inUse(keys)).toEqual({ signs: undefined, kids: ['k3', 'k4'] });
  expect(keys.problem).toContain('it signs nothing, for it lacks the private half of k3');

  keys.mount(version(5, { ...k3, phase: 'active' }, k4));
  expect([inUse(keys), keys.problem]).toEqual([{ signs: 'k3', kids: ['k3', 'k4'] }, undefined]);
});

test('a key that is only next in the mount does not take the place of the one that is to sign', () => {
  const keys = aPod(version(1, k1, k2));
  keys.reload({ keys: publicOf(k2, k3), signingKid: 'k3', revokedKids: ['k1'], floor: 5 });
  expect(inUse(keys)).toEqual({ signs: undefined, kids: ['k2', 'k3'] });
});

test('a container that has had no key to sign with yet is not ready; one that had goes on serving', () => {
  const first = aContainer();
  first.with(version(1, k1, k2));
  expect(first.keys.missing).toBeUndefined();
  first.keys.reload({ keys: publicOf(k3), signingKid: 'k3', revokedKids: ['k1', 'k2'], floor: 5 });
  expect([inUse(first.keys), first.keys.missing]).toEqual([{ signs: undefined, kids: ['k3'] }, undefined]);

  const second = aContainer(first.kept());
  second.with(version(1, k1, k2));
  expect(second.keys.missing).toContain('it signs nothing, for it lacks the private half of k3');
  second.with(version(5, { ...k3, phase: 'active' }));
  expect([inUse(second.keys), second.keys.missing]).toEqual([{ signs: 'k3', kids: ['k3'] }, undefined]);
});

test('what was told earlier does not undo what was told later', () => {
  const keys = aPod(version(1, k1, k2));
  keys.reload({ keys: publicOf(k2), signingKid: 'k2', revokedKids: ['k1'], floor: 5 });

  keys.reload({ keys: publicOf(k1, k2), revokedKids: ['k3'], floor: 4 });

  expect(inUse(keys)).toEqual({ signs: 'k2', kids: ['k2'] });
  expect(keys.report()).toMatchObject({ floor: 5, revokedKids: ['k1', 'k3'] });
});

test('a pod signs with no key that it was not told to publish, or whose private half it lacks', () => {
  const keys = aPod(version(1, k1, k2));

  keys.reload({ keys: publicOf(k2), revokedKids: [], floor: 2 });
  expect(inUse(keys)).toEqual({ signs: undefined, kids: ['k2'] });

  keys.reload({ keys: publicOf(k2, k3), signingKid: 'k3', revokedKids: [], floor: 3 });
  expect(inUse(keys)).toEqual({ signs: undefined, kids: ['k2', 'k3'] });
});

test('a told key that this version does not understand is left out', () => {
  const keys = aPod(version(1, k1, k2));
  const foreign = { kid: 'k9', kty: 'AKP', alg: 'ML-DSA-65', pub: 'AAAA' };

  keys.reload({ keys: [...publicOf(k1), foreign], revokedKids: [], floor: 2 });

  expect(inUse(keys)).toEqual({ signs: 'k1', kids: ['k1'] });
});

test('whoever listens is called once for each change, with the change made, and for nothing else', () => {
  const keys = aPod();
  const heard: object[] = [];
  keys.onChange(() => heard.push({ ...inUse(keys), revoked: keys.report().revokedKids }));

  keys.reload({ keys: publicOf(k2), revokedKids: ['k9'], floor: 1 });
  expect(heard).toEqual([]);
  keys.mount(version(1, k1, k2));
  keys.mount(version(1, k1, k2));
  keys.reload({ keys: publicOf(k2), revokedKids: [], floor: 1 });
  expect(heard).toEqual([{ signs: 'k1', kids: ['k1', 'k2'], revoked: ['k9'] }]);

  keys.reload({ keys: publicOf(k2), signingKid: 'k2', revokedKids: ['k1'], floor: 2 });
  keys.reload({ keys: publicOf(k2), signingKid: 'k2', revokedKids: ['k8'], floor: 2 });
  keys.mount(version(3, k1, k2, k3));
  expect(heard.slice(1)).toEqual([
    { signs: 'k2', kids: ['k2'], revoked: ['k9', 'k1'] },
    { signs: 'k2', kids: ['k2'], revoked: ['k9', 'k1', 'k8'] },
    { signs: undefined, kids: ['k2', 'k3'], revoked: ['k9', 'k1', 'k8'] },
  ]);
});

test('a key that the ring remembers as revoked is not used, though it has it, and whatever else is wrong with the ring', () => {
  const text = JSON.stringify({
    version: 2,
    keys: [k1, k2],
    revoked: [{ kid: 'k2', revokedAt: 1 }, 'k3', { kid: '' }],
  });
  expect(revokedIn(text)).toEqual(['k2']);
  expect(revokedIn(text.replace('"active"', '"passive"'))).toEqual(['k2']);
  expect([revokedIn('{'), revokedIn('[]'), revokedIn('{"revoked":1}')]).toEqual([[], [], []]);

  const keys = aPod(version(1, k1, k2));
  keys.revoke(['k2']);
  expect(inUse(keys)).toEqual({ signs: 'k1', kids: ['k1'] });
  // By a ring of before, without the tombstone.
  keys.mount(version(1, k1, k2));
  expect(inUse(keys)).toEqual({ signs: 'k1', kids: ['k1'] });
  expect(keys.report().revokedKids).toEqual(['k2']);
});

test('a container that starts again on the mount of before goes by what the one before it was told', () => {
  const first = aContainer();
  first.with(version(1, k1, k2));
  first.keys.reload({ keys: publicOf(k2, k3), signingKid: 'k2', revokedKids: ['k1'], floor: 2 });

  const second = aContainer(first.kept());
  expect(inUse(second.with(version(1, k1, k2)))).toEqual({ signs: 'k2', kids: ['k2', 'k3'] });
  expect(second.keys.report()).toMatchObject({ floor: 2, revokedKids: ['k1'] });
  expect(second.keys.problem).toContain('version 1, older than 2');

  // What it learns by itself it hands on with the rest.
  second.keys.revoke(['k3']);
  const third = aContainer(second.kept());
  expect(inUse(third.with(version(1, k1, k2)))).toEqual({ signs: 'k2', kids: ['k2'] });
  expect(inUse(third.with(version(3, { ...k2, phase: 'active' }, k3)))).toEqual({ signs: 'k2', kids: ['k2'] });
});

test('what is kept holds nothing private', () => {
  const pod = aContainer();
  pod.with(version(1, k1, k2));
  pod.keys.reload({ keys: publicOf(k2), signingKid: 'k2', revokedKids: ['k1'], floor: 2 });
  expect(JSON.stringify(pod.kept())).not.toContain('"d":');
});

test('a key that is taken away is a line of the audit, once, and who took it', () => {
  const pod = aContainer();
  pod.with(version(1, k1, k2));
  pod.keys.reload({ keys: publicOf(k2), signingKid: 'k2', revokedKids: ['k1', 'k9'], floor: 2 });
  pod.keys.reload({ keys: publicOf(k2), signingKid: 'k2', revokedKids: ['k1', 'k9'], floor: 2 });
  pod.keys.revoke(['k2']);
  expect(pod.audit).toMatchObject([
    { audit: 'key-revoked', kid: 'k1', by: 'operator' },
    { audit: 'key-revoked', kid: 'k2', by: 'mount' },
  ]);

  const next = aContainer(pod.kept());
  next.keys.revoke(['k1', 'k2']);
  next.with(version(1, k1, k2));
  expect(next.audit).toEqual([]);
});
