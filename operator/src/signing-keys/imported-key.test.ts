import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { freshKey, thumbprint } from './fresh-key.ts';
import { importKey } from './imported-key.ts';
import type { ImportContext } from './imported-key.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');
const mldsa = generateKeyPairSync('ml-dsa-44');
const context: ImportContext = { kid: undefined, publishedAt: 7 };

type Pem = 'pkcs8' | 'sec1' | 'pkcs1';
const pemOf = ({ privateKey }: { readonly privateKey: KeyObject }, type: Pem = 'pkcs8'): string =>
  privateKey.export({ type, format: 'pem' }).toString();
const publicPemOf = ({ publicKey }: { readonly publicKey: KeyObject }): string =>
  publicKey.export({ type: 'spki', format: 'pem' }).toString();
const jwkOf = ({ privateKey }: { readonly privateKey: KeyObject }, members: object = {}): string =>
  JSON.stringify({ ...privateKey.export({ format: 'jwk' }), ...members }, null, 2);
const thumbprintOf = ({ publicKey }: { readonly publicKey: KeyObject }): string =>
  thumbprint(publicKey.export({ format: 'jwk' }) as Record<string, string>);

function seedOf({ privateKey }: { readonly privateKey: KeyObject }): Buffer {
  return Buffer.from(String(privateKey.export({ format: 'jwk' })['priv']), 'base64url');
}

/** DER. */
function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  return Buffer.concat([
    length < 0x80 ? Buffer.of(tag, length) : Buffer.of(tag, 0x82, length >> 8, length & 0xff),
    content,
  ]);
}

/** A private key of ML-DSA-44 (RFC 9881) in one of its three forms. */
function pkcs8Of(key: Buffer): string {
  const [version, algorithm] = ['020100', '300b0609608648016503040311'].map((hex) => Buffer.from(hex, 'hex'));
  const der = element(0x30, Buffer.concat([version ?? key, algorithm ?? key, element(0x04, key)]));
  return `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`;
}

test.each([
  ['PKCS#8 of P-256', pemOf(ec), 'ES256', ec],
  ['SEC1', pemOf(ec, 'sec1'), 'ES256', ec],
  ['PKCS#8 of RSA', pemOf(rsa), 'RS256', rsa],
  ['PKCS#1', pemOf(rsa, 'pkcs1'), 'RS256', rsa],
  ['PKCS#8 of Ed25519', pemOf(ed), 'EdDSA', ed],
  ['a JWK of P-256', jwkOf(ec), 'ES256', ec],
  ['a JWK of RSA', jwkOf(rsa, { alg: 'RS256', use: 'sig', key_ops: ['sign'] }), 'RS256', rsa],
  ['a JWK of Ed25519', jwkOf(ed), 'EdDSA', ed],
  ['PKCS#8 of ML-DSA-44, with seed and expanded key', pemOf(mldsa), 'ML-DSA-44', mldsa],
  ['PKCS#8 of ML-DSA-44, with the seed alone', pkcs8Of(element(0x80, seedOf(mldsa))), 'ML-DSA-44', mldsa],
  ['a JWK of ML-DSA-44', jwkOf(mldsa), 'ML-DSA-44', mldsa],
  ['PEM with lines of Windows and blank ones around it', `\r\n${pemOf(ec).replaceAll('\n', '\r\n')}\n\n`, 'ES256', ec],
  ['PEM after its public half', publicPemOf(ec) + pemOf(ec), 'ES256', ec],
  [
    'what openssl ecparam -genkey writes',
    `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${pemOf(ec, 'sec1')}`,
    'ES256',
    ec,
  ],
])('%s is taken, and is what it was', (_form, ...[text, algorithm, pair]) => {
  const read = importKey(text, context);
  if ('why' in read) throw new Error(read.why);
  const { kid, publicJwk, privateJwk, ...rest } = read.key;
  expect(rest).toEqual({ phase: 'next', algorithm, publishedAt: 7 });
  expect(kid).toBe(thumbprintOf(pair));
  expect(createPublicKey({ key: { ...publicJwk }, format: 'jwk' }).equals(pair.publicKey)).toBe(true);
  expect(publicJwk).toMatchObject({ kid, alg: algorithm, use: 'sig' });
  for (const secret of ['d', 'priv']) expect(publicJwk).not.toHaveProperty(secret);
  expect(privateJwk).toMatchObject({ ...pair.privateKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' });
});

test.each<[string, string, string | undefined, string]>([
  ["the JWK's own", jwkOf(ec, { kid: 'old-2024' }), undefined, 'old-2024'],
  ['that of the spec', pemOf(ec), 'old/2024:01+a=', 'old/2024:01+a='],
  ['that of the spec before that of the JWK', jwkOf(ec, { kid: 'other' }), 'old', 'old'],
])('its kid is %s', (_whose, ...[text, kid, expected]) => {
  const read = importKey(text, { ...context, kid });
  expect('key' in read && read.key.kid).toBe(expected);
  expect('key' in read && read.key.publicJwk.kid).toBe(expected);
});

const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
const x25519 = generateKeyPairSync('x25519');
const locked = ec.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' });
const lockedSec1 = ec.privateKey.export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' });
const expanded = mldsa.privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-2560);
const mldsa65 = generateKeyPairSync('ml-dsa-65');
const anotherMldsa = generateKeyPairSync('ml-dsa-44').publicKey.export({ format: 'jwk' });
const another = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
const anotherEd = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
const { n, e } = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
const SECRET = 'this-is-nobodys-business';

test.each<[string, string, string]>([
  ['nothing readable', SECRET, 'is neither PEM nor a JWK'],
  ['JSON that ends early', `{"kty":"EC","d":"${SECRET}"`, 'is neither PEM nor JSON'],
  ['JSON that is no JWK', `{"password":"${SECRET}"}`, 'is JSON and no JWK'],
  ['a set of keys', JSON.stringify({ keys: [{ d: SECRET }] }), 'is a JWK Set; it must be one JWK'],
  ['a symmetric key', JSON.stringify({ kty: 'oct', k: SECRET }), 'is a symmetric key, which whoever verifies'],
  ['a public JWK', JSON.stringify(ec.publicKey.export({ format: 'jwk' })), 'has no private half'],
  ['a public PEM', publicPemOf(rsa), 'has no private half'],
  ['a JWK for encryption', jwkOf(ec, { use: 'enc' }), 'is a JWK that is not for signatures (use)'],
  ['a JWK for other operations', jwkOf(ec, { key_ops: ['deriveBits'] }), 'is a JWK that is not for signing (key_ops)'],
  [
    'a JWK of another algorithm',
    jwkOf(rsa, { alg: 'PS256' }),
    'is a JWK for PS256, and a key of its kind signs by RS256 here',
  ],
  [
    'a JWK whose algorithm is no name',
    jwkOf(rsa, { alg: `${SECRET} ${SECRET}` }),
    'is a JWK for another algorithm, and',
  ],
  ['a JWK that is damaged', jwkOf(ec, { d: SECRET, x: SECRET }), 'is a JWK that cannot be read as a private key'],
  [
    'a JWK whose private half is no text',
    jwkOf(ec, { d: { SECRET } }),
    'is a JWK that cannot be read as a private key',
  ],
  [
    'a JWK of an unknown type',
    JSON.stringify({ kty: SECRET, d: SECRET }),
    'is a JWK that cannot be read as a private key',
  ],
  [
    'PEM that is damaged',
    pemOf(ec).replace(/.{40}\n/, `${SECRET.replaceAll('-', '+')}\n`),
    'is PEM that cannot be read as a private key',
  ],
  ['PEM that is locked', locked.toString(), 'is encrypted with a passphrase'],
  ['SEC1 that is locked', lockedSec1.toString(), 'is encrypted with a passphrase'],
  ['two keys', pemOf(ec) + pemOf(rsa), 'holds more than one private key'],
  ['an RSA key that is too weak', pemOf(short), 'is an RSA key of 1024 bits, and at least 2048 are safe'],
  ['a JWK that is too weak', jwkOf(short), 'is an RSA key of 1024 bits, and at least 2048 are safe'],
  ['another curve', pemOf(p384), 'is an EC key of secp384r1; allowed are EC keys of P-256 (ES256)'],
  ['an ML-DSA-44 key without its seed', pkcs8Of(element(0x04, expanded)), 'is an ML-DSA-44 key without its seed'],
  ['another ML-DSA', pemOf(mldsa65), 'is a key of type ml-dsa-65; allowed are'],
  ['an ML-DSA-44 JWK for ES256', jwkOf(mldsa, { alg: 'ES256' }), 'is a JWK that cannot be read as a private key'],
  ['an ML-DSA-44 JWK without alg', jwkOf(mldsa, { alg: undefined }), 'is a JWK that cannot be read as a private key'],
  ['a public ML-DSA-44 JWK', jwkOf(mldsa, { priv: undefined }), 'has no private half'],
  ['an ML-DSA-44 JWK of two keys', jwkOf(mldsa, { pub: anotherMldsa['pub'] }), 'halves that do not belong together'],
  ['RSA-PSS', pemOf(pss), 'is a key of type rsa-pss; allowed are'],
  ['a key that does not sign', pemOf(x25519), 'is a key of type x25519; allowed are'],
  ['a kid that no shell takes', jwkOf(ec, { kid: `a b'; ${SECRET}` }), 'has a kid that is not of 1 to 128 letters'],
  ['a kid that is too long', jwkOf(ec, { kid: 'k'.repeat(129) }), 'has a kid that is not of 1 to 128 letters'],
  ['a kid that is no text', jwkOf(ec, { kid: 7 }), 'has a kid that is not of 1 to 128 letters'],
  ['an EC JWK of two keys', jwkOf(ec, { x: another.x, y: another.y }), 'halves that do not belong together'],
  ['an Ed25519 JWK of two keys', jwkOf(ed, { x: anotherEd.x }), 'halves that do not belong together'],
  ['an RSA JWK of two keys', jwkOf(rsa, { n, e }), 'halves that do not belong together'],
])('%s is refused, and nothing of it is repeated', (_what, text, why) => {
  const read = importKey(text, context);
  expect(read).toEqual({ why: expect.stringContaining(why) as unknown });
  expect(JSON.stringify(read)).not.toContain(SECRET);
  for (const line of text.split('\n').filter((each) => each.length > 30)) {
    expect(JSON.stringify(read)).not.toContain(line.slice(0, 30));
  }
});

test('a key that the operator made itself can be brought along elsewhere', () => {
  const { kid, privateJwk } = freshKey('ES256', 1);
  const read = importKey(JSON.stringify(privateJwk), context);
  expect('key' in read && read.key).toMatchObject({ kid, privateJwk });
});
