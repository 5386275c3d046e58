import { expect, test } from '@jest/globals';
import { authStackSpecSchema } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { PublicJwk } from '../stored/jwks.ts';
import type { Algorithm } from '../stored/key-ring.ts';
import { planSigningKeys } from './plan.ts';
import { active, aStack, jwk, next, NOW, policy, ringOf, seen } from './testing/seen.ts';
import type { KeysObservation } from './types.ts';

/** As long as a thumbprint. */
const OWN_KID = 'k'.repeat(43);

/** A stack for so many audiences of 20 letters. */
function stackFor(audiences: number): AuthStack {
  const audience = Array.from({ length: audiences }, (_, index) => `audience-${index}`.padEnd(20, '-'));
  return {
    ...aStack(),
    spec: authStackSpecSchema.parse({ publicURL: 'https://shop.example.com', auth: { audience } }),
  };
}

interface Signing {
  readonly kid?: string;
  readonly algorithm: Algorithm;
  readonly publicJwk?: PublicJwk;
}

function observed(stack: AuthStack, signing: Signing): KeysObservation {
  const { kid = OWN_KID, algorithm, publicJwk = jwk(kid, algorithm) } = signing;
  const ring = ringOf([active(kid, { algorithm, publicJwk }), next('k2', { algorithm })]);
  return seen({ stack, ring, policy: { ...policy, algorithm }, copies: [], pods: [] });
}

const readyOf = (observation: KeysObservation) => planSigningKeys(observation).conditions[0];
const modulusOf = (bits: number): string => 'n'.repeat(Math.ceil(bits / 6));
const rsa = (bits: number): Signing => ({
  algorithm: 'RS256',
  publicJwk: { ...jwk(OWN_KID, 'RS256'), n: modulusOf(bits) } as PublicJwk,
});

test.each<[string, number, Signing, string]>([
  ['one audience and a post-quantum key', 1, { algorithm: 'ML-DSA-44' }, 'True/UpToDate'],
  ['eleven and a post-quantum key', 11, { algorithm: 'ML-DSA-44' }, 'True/UpToDate'],
  ['twelve and a post-quantum key', 12, { algorithm: 'ML-DSA-44' }, 'False/CookieTooLarge'],
  [
    'eleven and one whose kid is as long as can be',
    11,
    { kid: 'k'.repeat(128), algorithm: 'ML-DSA-44' },
    'False/CookieTooLarge',
  ],
  ['sixteen and a key of another algorithm', 16, { algorithm: 'ES256' }, 'True/UpToDate'],
  ['sixteen and a large RSA key', 16, rsa(4096), 'True/UpToDate'],
])('whether tokens fit a cookie is a matter of the key that signs and of the spec: %s', (_what, ...of) => {
  const [audiences, signing, expected] = of;
  const ready = readyOf(observed(stackFor(audiences), signing));
  expect(`${ready?.status}/${ready?.reason}`).toBe(expected);
});

test('the message says how many bytes, of which key, and what to change', () => {
  const { message } = readyOf(observed(stackFor(12), { algorithm: 'ML-DSA-44' })) ?? {};
  expect(message).toMatch(/^A token signed by k{43} \(ML-DSA-44\) and the name of its cookie may have 4\d{3} bytes/);
  expect(message).toContain('browsers drop a cookie of more than 4096');
  expect(message).toContain('kubectl -n auth edit authstack shop');
});

test('it holds no rotation, and least of all the one that ends it', () => {
  const signing = active(OWN_KID, { algorithm: 'ML-DSA-44', publicJwk: jwk(OWN_KID, 'ML-DSA-44') });
  const withNext = (change: object = {}): KeysObservation =>
    seen({ stack: stackFor(12), ring: ringOf([signing, next('k2', change)]), copies: [] });
  expect(planSigningKeys(withNext()).actions).toContainEqual(
    expect.objectContaining({ edit: { type: 'promote', kid: 'k2', algorithm: 'ES256' } }),
  );

  expect(readyOf(withNext({ publishedAt: NOW }))).toMatchObject({
    ...{ status: 'False', reason: 'CookieTooLarge' },
    message: expect.stringContaining('is due and continues to sign') as unknown,
  });
});
