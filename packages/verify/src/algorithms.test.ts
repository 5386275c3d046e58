import { sign, verify } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isSignedBy } from './algorithms.ts';
import { signingKey } from './testing/issuer.ts';

const { kid, privateKey, publicKey } = signingKey('k1');
const key = { kid, algorithm: 'ES256', publicKey } as const;
const raw = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;

test('an ES256 signature is valid exactly when node:crypto says so of its raw form', () => {
  const number = fc.oneof(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    // Few digits, and those with the highest bit set: what DER writes in its own way.
    fc
      .uint8Array({ minLength: 1, maxLength: 3 })
      .map((bytes) => [...Array<number>(32 - bytes.length).fill(0), ...bytes]),
  );
  fc.assert(
    fc.property(fc.uint8Array(), number, number, (bytes, r, s) => {
      const signed = Buffer.from(bytes);
      const forged = Buffer.from([...r, ...s]);
      const genuine = sign('sha256', signed, { key: privateKey, dsaEncoding: 'ieee-p1363' });
      const mixed = Buffer.concat([genuine.subarray(0, 32), forged.subarray(32)]);
      for (const signature of [genuine, forged, mixed]) {
        expect(isSignedBy(key, signed, signature)).toBe(verify('sha256', signed, raw, signature));
      }
      expect(isSignedBy(key, signed, genuine)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});
