import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { importedKid } from '../api/auth-stack/signing-keys.ts';
import type { Millis } from '../runtime/objects.ts';
import { parseJson } from '../stored/jwks.ts';
import type { Kid } from '../stored/jwks.ts';
import type { Algorithm } from '../stored/key-ring.ts';
import type { FreshKey } from './edit.ts';
import { keyOfPair, thumbprint } from './fresh-key.ts';
import type { KeyPair } from './fresh-key.ts';

export interface ImportContext {
  /** What the spec says it is called; absent: what the key itself says, or its thumbprint. */
  readonly kid: Kid | undefined;
  readonly publishedAt: Millis;
}

/** Why a key is not taken tells what it looks like, and never repeats anything of it. */
export type Imported = { readonly key: FreshKey } | Refused;
interface Refused {
  readonly why: string;
}

/** A key of another issuer, that tokens were signed with before there was a stack: PEM (PKCS#8, SEC1 or PKCS#1) or a JWK. */
export function importKey(text: string, { kid, publishedAt }: ImportContext): Imported {
  const read = text.trimStart().startsWith('{') ? readJwk(text) : readPem(text);
  if ('why' in read) return read;
  const { privateKey, claims } = read;
  const pair = { privateKey, publicKey: createPublicKey(privateKey) };
  const algorithm = algorithmOf(pair);
  if (typeof algorithm !== 'string') return algorithm;
  const why = contradiction(pair, { algorithm, claims });
  if (why !== undefined) return { why };
  const named = kid ?? claims['kid'];
  if (named === undefined) return { key: keyOfPair(pair, { algorithm, publishedAt }) };
  const valid = importedKid.safeParse(named).data;
  return valid === undefined
    ? { why: 'has a kid that is not of 1 to 128 letters, digits and . _ : / + = @ -' }
    : { key: keyOfPair(pair, { algorithm, publishedAt, kid: valid }) };
}

/** What a JWK says of itself; nothing in it was checked. */
type Claims = Readonly<Record<string, unknown>>;

type Read = { readonly privateKey: KeyObject; readonly claims: Claims } | Refused;

/** The first that holds is why. */
const objections: readonly (readonly [holds: (jwk: Claims) => boolean, why: string])[] = [
  [({ keys }) => Array.isArray(keys), 'is a JWK Set; it must be one JWK'],
  [({ kty }) => kty === undefined, 'is JSON and no JWK'],
  [({ kty }) => kty === 'oct', 'is a symmetric key, which whoever verifies could sign with'],
  // RFC 7518, RFC 8037: d; RFC 9964: priv.
  [({ d, priv = d }) => priv === undefined, 'has no private half'],
  [({ use = 'sig' }) => use !== 'sig', 'is a JWK that is not for signatures (use)'],
  [
    ({ key_ops: operations = ['sign'] }) => !(Array.isArray(operations) && operations.includes('sign')),
    'is a JWK that is not for signing (key_ops)',
  ],
];

/** Errors of node:crypto and of its parsers may quote what they were given. */
function readJwk(text: string): Read {
  const jwk = parseJson(text) as Claims | undefined;
  if (jwk === undefined) return { why: 'is neither PEM nor JSON' };
  const objection = objections.find(([holds]) => holds(jwk));
  if (objection) return { why: objection[1] };
  try {
    return { privateKey: createPrivateKey({ key: jwk, format: 'jwk' }), claims: jwk };
  } catch {
    return { why: 'is a JWK that cannot be read as a private key' };
  }
}

/** Certificates, parameters and public halves beside it do no harm. */
function readPem(text: string): Read {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g)];
  const keys = blocks.filter(([, label = '']) => label.endsWith('PRIVATE KEY'));
  const [pem] = keys[0] ?? [];
  if (keys.length > 1) return { why: 'holds more than one private key' };
  if (pem === undefined) return { why: blocks.length > 0 ? 'has no private half' : 'is neither PEM nor a JWK' };
  // In the label of PKCS#8, in a header of the older forms.
  if (pem.includes('ENCRYPTED')) return { why: 'is encrypted with a passphrase' };
  try {
    return { privateKey: createPrivateKey(pem), claims: {} };
  } catch {
    return { why: 'is PEM that cannot be read as a private key' };
  }
}

const RSA_BITS = { least: 2048, most: 4096 };
const ALLOWED = 'allowed are EC keys of P-256 (ES256), RSA keys (RS256), Ed25519 keys (EdDSA) and ML-DSA-44 keys';

function algorithmOf({ privateKey, publicKey }: KeyPair): Algorithm | Refused {
  const { namedCurve = 'an unknown curve', modulusLength = 0 } = publicKey.asymmetricKeyDetails ?? {};
  const type = privateKey.asymmetricKeyType ?? 'unknown';
  if (type === 'ed25519') return 'EdDSA';
  if (type === 'ml-dsa-44') return mldsaOf(privateKey);
  if (type === 'ec') {
    return namedCurve === 'prime256v1' ? 'ES256' : { why: `is an EC key of ${namedCurve}; ${ALLOWED}` };
  }
  return type === 'rsa' ? rsaOf(modulusLength) : { why: `is a key of type ${type}; ${ALLOWED}` };
}

/** PKCS#8 has room for the seed, for what is computed of it, or for both (RFC 9881); a JWK for the seed alone. */
function mldsaOf(privateKey: KeyObject): Algorithm | Refused {
  try {
    privateKey.export({ format: 'jwk' });
    return 'ML-DSA-44';
  } catch {
    return { why: 'is an ML-DSA-44 key without its seed, which a JWK (RFC 9964) is made of; export it with the seed' };
  }
}

function rsaOf(bits: number): Algorithm | Refused {
  if (bits < RSA_BITS.least) return { why: `is an RSA key of ${bits} bits, and at least ${RSA_BITS.least} are safe` };
  return bits > RSA_BITS.most ? { why: `is an RSA key of ${bits} bits; at most ${RSA_BITS.most} are taken` } : 'RS256';
}

interface Told {
  readonly algorithm: Algorithm;
  readonly claims: Claims;
}

/** What the key says of itself and is not. */
function contradiction(pair: KeyPair, { algorithm, claims }: Told): string | undefined {
  const { alg = algorithm } = claims;
  if (alg !== algorithm) return `is a JWK for ${shown(alg)}, and a key of its kind signs by ${algorithm} here`;
  if (belongTogether(pair) && isTheOneOf(claims, pair.publicKey)) return undefined;
  return 'has halves that do not belong together';
}

/** A public half that is stored beside its private one may be another's, and every token would be refused. */
function belongTogether({ privateKey, publicKey }: KeyPair): boolean {
  const text = Buffer.from('of the same pair');
  try {
    return verify(null, text, publicKey, sign(null, text, privateKey));
  } catch {
    return false;
  }
}

/** The public half of an Ed25519 or ML-DSA-44 key is computed from the private one, whatever the JWK says. */
function isTheOneOf(claims: Claims, publicKey: KeyObject): boolean {
  if (claims['kty'] === undefined) return true;
  const exported = publicKey.export({ format: 'jwk' }) as Record<string, string>;
  return thumbprint(claims as Record<string, string>) === thumbprint(exported);
}

/** It may be anything. */
function shown(value: unknown): string {
  return typeof value === 'string' && /^[\w-]{1,16}$/.test(value) ? value : 'another algorithm';
}
