import { expect, test } from '@jest/globals';
import { createVerifier } from './index.ts';
import type { Verifier } from './index.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { claimsAt, signingKey, tokenOf } from './testing/issuer.ts';
import { consumerSecret, secretMount } from './testing/secret-mount.ts';
import { parseTrust } from './trust.ts';

const key = signingKey('k1');
const clock = new FakeClock();
const now = clock.now() / 1000;

function accepts(verifier: Verifier, claims: object): boolean {
  try {
    return verifier.verify(tokenOf(key, { ...claimsAt(clock), ...claims })).id === 'user-1';
  } catch {
    return false;
  }
}

test.each<[string, Record<string, string>, object, number]>([
  ["the stack's", { 'clock-skew-seconds': '60' }, {}, 60],
  ['a short one of the stack', { 'clock-skew-seconds': '5' }, {}, 5],
  ['none', { 'clock-skew-seconds': '0' }, {}, 0],
  ['a stricter one of the service', { 'clock-skew-seconds': '60' }, { clockSkewSeconds: 20 }, 20],
  ["never more than the stack's", { 'clock-skew-seconds': '60' }, { clockSkewSeconds: 300 }, 60],
  ['never more than ten minutes', { 'clock-skew-seconds': '86400' }, {}, 600],
  ['ten seconds where an older operator wrote none', {}, {}, 10],
  ["the service's where an older operator wrote none", {}, { clockSkewSeconds: 30 }, 30],
])('clocks may differ by %s', async (...[, files, options, skew]) => {
  await using mount = await secretMount(consumerSecret([key], files));
  using verifier = createVerifier({ directory: mount.directory, clock, ...options });
  expect(accepts(verifier, { iat: now + skew })).toBe(true);
  expect(accepts(verifier, { nbf: now + skew })).toBe(true);
  expect(accepts(verifier, { iat: now + skew + 1 })).toBe(false);
  expect(accepts(verifier, { nbf: now + skew + 1 })).toBe(false);
  expect(accepts(verifier, { exp: now - skew + 1 })).toBe(true);
  expect(accepts(verifier, { exp: now - skew })).toBe(false);
});

test('a changed skew is in force with the Secret that carries it, for cached tokens too', async () => {
  await using mount = await secretMount(consumerSecret([key], { 'clock-skew-seconds': '60' }));
  using verifier = createVerifier({ directory: mount.directory, clock });
  const exp = clock.now() / 1000 - 30;
  expect(accepts(verifier, { exp })).toBe(true);
  await mount.swap(consumerSecret([key], { 'clock-skew-seconds': '5' }));
  clock.advance(1_000);
  expect(accepts(verifier, { exp })).toBe(false);
});

test.each(['', 'sixty', '1e3', '-5', '6.5', 'NaN', '0x10', '99999999999', '6 0'])(
  'a Secret whose skew is %j is unusable',
  (text) => {
    const files = consumerSecret([key], { 'clock-skew-seconds': text });
    expect(() => parseTrust(files)).toThrow('clock-skew-seconds is not a whole number of seconds');
  },
);
