import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createVerifier } from './index.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { claimsAt, signingKey, tokenOf } from './testing/issuer.ts';
import { consumerSecret, secretMount } from './testing/secret-mount.ts';

/**
 * With (r, s), ECDSA accepts (r, n − s): whoever has an ES256 token can write its other text. Neither can be refused, for half of
 * all genuine signatures have the greater s. So nothing may depend on which of the two was sent.
 */

const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
const key = signingKey('k1');

function otherTextOf(token: string): string {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const bytes = Buffer.from(signature, 'base64url');
  const s = ORDER - BigInt(`0x${bytes.subarray(32).toString('hex')}`);
  const other = Buffer.concat([bytes.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
  return `${header}.${payload}.${other.toString('base64url')}`;
}

test('both texts of an ES256 token are of the same user, session and jti, whichever comes first', async () => {
  await using mount = await secretMount(consumerSecret([key]));
  fc.assert(
    fc.property(fc.uuid(), fc.boolean(), (jti, otherFirst) => {
      const clock = new FakeClock();
      using verifier = createVerifier({ directory: mount.directory, clock });
      const token = tokenOf(key, { ...claimsAt(clock), jti });
      const texts = otherFirst ? [otherTextOf(token), token] : [token, otherTextOf(token)];
      const [first, second] = texts.map((text) => verifier.verify(text));
      expect(second).toEqual(first);
      expect(first?.claims.jti).toBe(jti);
      expect(otherTextOf(otherTextOf(token))).toBe(token);
    }),
    { numRuns: 50 },
  );
});

test('what ends a token ends both of its texts, cached or not', async () => {
  const clock = new FakeClock();
  const [retired, stays] = [signingKey('k2'), signingKey('k3')];
  await using mount = await secretMount(consumerSecret([key, retired, stays]));
  using verifier = createVerifier({ directory: mount.directory, clock });
  const textsOf = (signer: typeof key): string[] => {
    const token = tokenOf(signer, claimsAt(clock));
    return [token, otherTextOf(token)];
  };
  const refusals = (texts: readonly string[]): unknown[] =>
    texts.map((text) => {
      try {
        return verifier.verify(text).id;
      } catch (error) {
        return (error as { code?: unknown }).code;
      }
    });
  const [ofRetired, ofExpired] = [textsOf(retired), textsOf(stays)];
  // Of each pair one text is cached.
  for (const [first = ''] of [ofRetired, ofExpired]) expect(refusals([first])).toEqual(['user-1']);

  await mount.swap(consumerSecret([key, stays]));
  clock.advance(1_000);
  expect(refusals(ofRetired)).toEqual(['TOKEN_KEY_UNKNOWN', 'TOKEN_KEY_UNKNOWN']);
  expect(refusals(ofExpired)).toEqual(['user-1', 'user-1']);

  clock.advance(3_600_000);
  expect(refusals(ofExpired)).toEqual(['TOKEN_EXPIRED', 'TOKEN_EXPIRED']);
});
