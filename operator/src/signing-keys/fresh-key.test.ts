import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { expect, test } from '@jest/globals';
import type { Algorithm } from '../stored/key-ring.ts';
import { freshKey } from './fresh-key.ts';

/** What RFC 7638 has the thumbprint taken of. */
test.each<[Algorithm, (jwk: Readonly<Record<string, string>>) => string]>([
  ['ES256', ({ x, y }) => `{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`],
  ['RS256', ({ e, n }) => `{"e":"${e}","kty":"RSA","n":"${n}"}`],
  ['EdDSA', ({ x }) => `{"crv":"Ed25519","kty":"OKP","x":"${x}"}`],
  ['ML-DSA-44', ({ pub }) => `{"alg":"ML-DSA-44","kty":"AKP","pub":"${pub}"}`],
])('a key for %s is named by its thumbprint and signs for its public half', (algorithm, named) => {
  const { kid, publicJwk, privateJwk, ...rest } = freshKey(algorithm, 7);
  expect(rest).toEqual({ phase: 'next', algorithm, publishedAt: 7 });
  expect(publicJwk).toMatchObject({ kid, alg: algorithm, use: 'sig' });
  expect(createHash('sha256').update(named(publicJwk)).digest('base64url')).toBe(kid);

  const text = Buffer.from('text');
  const signature = sign(null, text, createPrivateKey({ key: privateJwk, format: 'jwk' }));
  expect(verify(null, text, createPublicKey({ key: { ...publicJwk }, format: 'jwk' }), signature)).toBe(true);
  for (const secret of ['d', 'priv']) expect(publicJwk).not.toHaveProperty(secret);
});
