import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { MovableClock, ringKey } from '../testing/world.ts';
import type { RingKey } from '../testing/world.ts';
import { parseKeyRing } from './key-ring.ts';
import type { MountedRing } from './key-ring.ts';
import { LoadedKeys, RingBelowFloor } from './loaded-keys.ts';

const [k1, k2, k3] = [ringKey('k1', 'active'), ringKey('k2', 'next'), ringKey('k3', 'next')] as const;

function version(number: number, ...keys: readonly RingKey[]): MountedRing {
  return parseKeyRing(JSON.stringify({ version: number, keys }));
}

const publicOf = (...keys: readonly RingKey[]): { kid: string }[] => keys.map((key) => key['publicJwk'] as never);

function aPod(...mounts: readonly MountedRing[]): LoadedKeys {
  const keys = new LoadedKeys({ podName: 'shop-auth-1', clock: new MovableClock(), log: pino({ level: 'silent' }) });
  for (const ring of mounts) keys.mount(ring);
  return keys;
}

function inUse(keys: LoadedKeys): object {
  const { active, jwks } = keys.current() ?? {};
  const { kids, signingKid } = keys.report();
  expect(kids).toEqual(jwks?.keys.map(({ kid }) => kid) ?? []);
  expect(signingKid).toBe(active?.kid);
  return { signs: signingKid, kids };
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
