import { createHash, sign } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AccessTokenClaims } from './access-token-claims.ts';
import { algorithms } from './algorithms.ts';
import { TokenError, TokenExpired } from './errors.ts';
import { claimsAt, hmacTokenOf, ISSUER, part, signature, signingKey, tokenOf } from './testing/issuer.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { consumerSecret } from './testing/secret-mount.ts';
import { verifyToken } from './token.ts';
import { parseTrust } from './trust.ts';

const clock = new FakeClock();
const now = clock.now() / 1000;
const key = signingKey('k1');
const rsa = signingKey('r1', 'RS256');
const eddsa = signingKey('e1', 'EdDSA');
const ed25519 = signingKey('e2', 'Ed25519');
const mldsa = signingKey('m1', 'ML-DSA-44');
const signers = [key, rsa, eddsa, ed25519, mldsa];
const stranger = signingKey('k1');
const claims = claimsAt(clock);
const trust = parseTrust(consumerSecret(signers));
const good = tokenOf(key, claims);
const [goodHeader = '', goodPayload = '', goodSignature = ''] = good.split('.');

const verify = (token: string) => verifyToken(token, trust, { now: clock.now(), clockSkew: 10 });
const signed = (header: string, payload: string) => `${header}.${payload}.${signature(key, `${header}.${payload}`)}`;
const without = (name: string) => Object.fromEntries(Object.entries(claims).filter(([each]) => each !== name));

test.each(signers.map((signer) => [signer.algorithm, signer] as const))(
  'a token of the stack is valid: %s',
  (_algorithm, signer) => {
    expect(verify(tokenOf(signer, claims))).toMatchObject({ sub: 'user-1', sid: 'session-1', roles: ['user'] });
  },
);

test('the tests cover every algorithm', () => {
  expect(signers.map(({ algorithm }) => algorithm).toSorted()).toEqual([...algorithms].toSorted());
});

test('a token for several audiences is valid when this one is among them', () => {
  expect(verify(tokenOf(key, { ...claims, aud: ['api', 'shop'] }))).toMatchObject({ sub: 'user-1' });
});

test.each<[string, string, string]>([
  // Keys and algorithms
  [
    'without signature, alg none',
    `${part({ alg: 'none', typ: 'at+jwt', kid: 'k1' })}.${goodPayload}.`,
    'TOKEN_MALFORMED',
  ],
  ['alg none with a signature', tokenOf(key, claims, { alg: 'none' }), 'TOKEN_ALGORITHM_REFUSED'],
  ['HS256 with the public key as secret', hmacTokenOf(key, claims), 'TOKEN_ALGORITHM_REFUSED'],
  ['RS256 that names an ES256 key', tokenOf(rsa, claims, { kid: 'k1' }), 'TOKEN_ALGORITHM_REFUSED'],
  ['ES384', tokenOf(key, claims, { alg: 'ES384' }), 'TOKEN_ALGORITHM_REFUSED'],
  ['alg in another spelling', tokenOf(key, claims, { alg: 'es256' }), 'TOKEN_ALGORITHM_REFUSED'],
  ['without alg', tokenOf(key, claims, { alg: undefined }), 'TOKEN_ALGORITHM_REFUSED'],
  ['HS256 with the public Ed25519 key as secret', hmacTokenOf(eddsa, claims), 'TOKEN_ALGORITHM_REFUSED'],
  ['PS256 that names an RS256 key', tokenOf(rsa, claims, { alg: 'PS256' }), 'TOKEN_ALGORITHM_REFUSED'],
  ['EdDSA that names an Ed25519 key', tokenOf(ed25519, claims, { alg: 'EdDSA' }), 'TOKEN_ALGORITHM_REFUSED'],
  ['Ed25519 that names an EdDSA key', tokenOf(eddsa, claims, { alg: 'Ed25519' }), 'TOKEN_ALGORITHM_REFUSED'],
  ['EdDSA that names an ES256 key', tokenOf(eddsa, claims, { kid: 'k1' }), 'TOKEN_ALGORITHM_REFUSED'],
  ['ES256 that names an ML-DSA-44 key', tokenOf(key, claims, { kid: 'm1' }), 'TOKEN_ALGORITHM_REFUSED'],
  ['ML-DSA-44 that names an ES256 key', tokenOf(mldsa, claims, { kid: 'k1' }), 'TOKEN_ALGORITHM_REFUSED'],
  ['ML-DSA-44 said to be ES256', tokenOf(mldsa, claims, { alg: 'ES256', kid: 'k1' }), 'TOKEN_SIGNATURE_INVALID'],
  ['ES256 said to be ML-DSA-44', tokenOf(key, claims, { alg: 'ML-DSA-44', kid: 'm1' }), 'TOKEN_SIGNATURE_INVALID'],
  ['ML-DSA-65 that names an ML-DSA-44 key', tokenOf(mldsa, claims, { alg: 'ML-DSA-65' }), 'TOKEN_ALGORITHM_REFUSED'],
  ['HS256 with the public ML-DSA-44 key as secret', hmacTokenOf(mldsa, claims), 'TOKEN_ALGORITHM_REFUSED'],
  ['another ML-DSA-44 key of the same id', tokenOf(signingKey('m1', 'ML-DSA-44'), claims), 'TOKEN_SIGNATURE_INVALID'],
  ['alg that is a list', tokenOf(key, claims, { alg: ['ES256'] }), 'TOKEN_ALGORITHM_REFUSED'],
  ['alg __proto__', tokenOf(key, claims, { alg: '__proto__' }), 'TOKEN_ALGORITHM_REFUSED'],
  ['another key of the same id', tokenOf(stranger, claims), 'TOKEN_SIGNATURE_INVALID'],
  ['an unknown key', tokenOf(key, claims, { kid: 'k9' }), 'TOKEN_KEY_UNKNOWN'],
  ['without kid', tokenOf(key, claims, { kid: undefined }), 'TOKEN_KEY_UNKNOWN'],
  ['kid that is not a string', tokenOf(key, claims, { kid: ['k1'] }), 'TOKEN_KEY_UNKNOWN'],
  ['kid __proto__', tokenOf(key, claims, { kid: '__proto__' }), 'TOKEN_KEY_UNKNOWN'],
  // Header
  ['typ JWT', tokenOf(key, claims, { typ: 'JWT' }), 'TOKEN_TYPE_REFUSED'],
  ['without typ', tokenOf(key, claims, { typ: undefined }), 'TOKEN_TYPE_REFUSED'],
  ['typ in another spelling', tokenOf(key, claims, { typ: 'AT+JWT' }), 'TOKEN_TYPE_REFUSED'],
  ['crit', tokenOf(key, claims, { crit: ['exp'] }), 'TOKEN_HEADER_REFUSED'],
  ['b64', tokenOf(key, claims, { b64: false }), 'TOKEN_HEADER_REFUSED'],
  ['its own key in jwk', tokenOf(stranger, claims, { jwk: stranger.publicJwk }), 'TOKEN_HEADER_REFUSED'],
  ['jku', tokenOf(stranger, claims, { jku: 'https://evil.example/jwks.json' }), 'TOKEN_HEADER_REFUSED'],
  ['x5u', tokenOf(key, claims, { x5u: 'https://evil.example/cert' }), 'TOKEN_HEADER_REFUSED'],
  ['x5c', tokenOf(key, claims, { x5c: [] }), 'TOKEN_HEADER_REFUSED'],
  ['zip', tokenOf(key, claims, { zip: 'DEF' }), 'TOKEN_HEADER_REFUSED'],
  ['enc', tokenOf(key, claims, { enc: 'A128GCM' }), 'TOKEN_HEADER_REFUSED'],
  ['crit that is empty', tokenOf(key, claims, { crit: [] }), 'TOKEN_HEADER_REFUSED'],
  ['crit null', tokenOf(key, claims, { crit: null }), 'TOKEN_HEADER_REFUSED'],
  ['typ that is a list', tokenOf(key, claims, { typ: ['at+jwt'] }), 'TOKEN_TYPE_REFUSED'],
  ['typ under __proto__', signed(part('{"__proto__":{"typ":"at+jwt"}}'), goodPayload), 'TOKEN_TYPE_REFUSED'],
  [
    'a parameter twice',
    signed(part('{"typ":"at+jwt","kid":"k1","alg":"ES256","alg":"none"}'), goodPayload),
    'TOKEN_ALGORITHM_REFUSED',
  ],
  // Form
  ['nothing', '', 'TOKEN_MALFORMED'],
  ['two parts', `${goodHeader}.${goodPayload}`, 'TOKEN_MALFORMED'],
  ['four parts', `${good}.`, 'TOKEN_MALFORMED'],
  ['no signature', `${goodHeader}.${goodPayload}.`, 'TOKEN_MALFORMED'],
  ['padding', `${good}==`, 'TOKEN_MALFORMED'],
  ['base64 that is not base64url', `${goodHeader}.${goodPayload}.${goodSignature.slice(0, -2)}+/`, 'TOKEN_MALFORMED'],
  ['white space around it', ` ${good}`, 'TOKEN_MALFORMED'],
  ['a line break inside', `${goodHeader}\n.${goodPayload}.${goodSignature}`, 'TOKEN_MALFORMED'],
  ['a header that is not JSON', signed(part('{"alg":'), goodPayload), 'TOKEN_MALFORMED'],
  ['a header that is an array', signed(part([]), goodPayload), 'TOKEN_MALFORMED'],
  ['a header that is null', signed(part('null'), goodPayload), 'TOKEN_MALFORMED'],
  ['a payload that is not JSON', signed(goodHeader, part('user-1')), 'TOKEN_MALFORMED'],
  ['a payload that is an array', signed(goodHeader, part('[]')), 'TOKEN_MALFORMED'],
  ['a payload that is null', signed(goodHeader, part('null')), 'TOKEN_MALFORMED'],
  ['longer than 8 KiB', tokenOf(key, { ...claims, extra: 'x'.repeat(8192) }), 'TOKEN_TOO_LARGE'],
  // Claims
  ['another issuer', tokenOf(key, { ...claims, iss: 'https://evil.example' }), 'TOKEN_ISSUER_REFUSED'],
  ['the issuer with a slash', tokenOf(key, { ...claims, iss: `${ISSUER}/` }), 'TOKEN_ISSUER_REFUSED'],
  ['another audience', tokenOf(key, { ...claims, aud: 'api' }), 'TOKEN_AUDIENCE_REFUSED'],
  ['other audiences', tokenOf(key, { ...claims, aud: ['api', 'shopping'] }), 'TOKEN_AUDIENCE_REFUSED'],
  ['no audience in the list', tokenOf(key, { ...claims, aud: [] }), 'TOKEN_CLAIMS_REFUSED'],
  ['exp as text', tokenOf(key, { ...claims, exp: String(now + 60) }), 'TOKEN_CLAIMS_REFUSED'],
  ['nbf as text', tokenOf(key, { ...claims, nbf: '0' }), 'TOKEN_CLAIMS_REFUSED'],
  ['roles that are not a list', tokenOf(key, { ...claims, roles: 'admin' }), 'TOKEN_CLAIMS_REFUSED'],
  ['ver as text', tokenOf(key, { ...claims, ver: '1' }), 'TOKEN_CLAIMS_REFUSED'],
  ['sub empty', tokenOf(key, { ...claims, sub: '' }), 'TOKEN_CLAIMS_REFUSED'],
  ...['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'sid', 'ver', 'roles'].map(
    (name): [string, string, string] => [`without ${name}`, tokenOf(key, without(name)), 'TOKEN_CLAIMS_REFUSED'],
  ),
  // Times
  ['expired', tokenOf(key, { ...claims, iat: now - 1800, exp: now - 10 }), 'TOKEN_EXPIRED'],
  ['not valid yet by nbf', tokenOf(key, { ...claims, nbf: now + 11 }), 'TOKEN_NOT_YET_VALID'],
  ['issued in the future', tokenOf(key, { ...claims, iat: now + 11 }), 'TOKEN_NOT_YET_VALID'],
  ['expired and of another issuer', tokenOf(key, { ...claims, exp: now - 99, iss: 'x' }), 'TOKEN_ISSUER_REFUSED'],
  ['expired and of another key', tokenOf(stranger, { ...claims, exp: now - 99 }), 'TOKEN_SIGNATURE_INVALID'],
])('a hostile token is refused: %s', (_what, token, code) => {
  expect(refusalOf(token)).toMatchObject({ code, status: 401 });
});

const wrongClaims: Readonly<Record<keyof AccessTokenClaims, readonly unknown[]>> = {
  iss: ['', 1, [ISSUER]],
  sub: ['', 1, null],
  aud: ['', 1, [], [''], ['shop', 1]],
  exp: ['1', -1, 8.65e12, null],
  iat: ['1', -1, 8.65e12, null],
  nbf: ['1', -1, 8.65e12, null],
  jti: ['', 1, null],
  client_id: ['', 1, null],
  sid: ['', 1, null],
  ver: ['1', 0.5, 2 ** 53, null],
  roles: ['admin', [''], [1], {}, null],
  auth_time: ['1', -1, 8.65e12, null],
};

test.each(Object.entries(wrongClaims))('a claim that is not what it must be is named: %s', (name, values) => {
  for (const value of values) {
    const refusal = refusalOf(tokenOf(key, { ...claims, [name]: value }));
    expect(refusal).toMatchObject({ code: 'TOKEN_CLAIMS_REFUSED', message: expect.stringContaining(name) });
  }
});

test.each(['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'sid', 'ver', 'roles'])(
  'a claim that is missing is not taken from what all objects inherit: %s',
  (name) => {
    const token = tokenOf(key, without(name));
    Object.defineProperty(Object.prototype, name, { value: claims[name], configurable: true });
    try {
      expect(refusalOf(token)).toMatchObject({ code: 'TOKEN_CLAIMS_REFUSED' });
    } finally {
      Reflect.deleteProperty(Object.prototype, name);
    }
  },
);

/** The two numbers of an ES256 signature. */
const goodBytes = Buffer.from(goodSignature, 'base64url');
const [r, s] = [goodBytes.subarray(0, 32), goodBytes.subarray(32)];
const ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
const zeros = (bytes: number) => Buffer.alloc(bytes);
const ones = (bytes: number) => Buffer.alloc(bytes, 0xff);
const bytesOf = (signer: typeof key) => Buffer.from(signature(signer, inputOf(signer)), 'base64url');
const inputOf = (signer: typeof key) => tokenOf(signer, claims).split('.').slice(0, 2).join('.');
const der = sign('sha256', Buffer.from(inputOf(key)), key.privateKey);
const mldsaInput = Buffer.from(inputOf(mldsa));
const ofAContext = sign(null, mldsaInput, { key: mldsa.privateKey, context: Buffer.from('JWT') });
const ofAHash = sign(null, createHash('sha256').update(mldsaInput).digest(), mldsa.privateKey);

test.each<[string, typeof key, Buffer]>([
  ['ES256 in DER, as OpenSSL writes it', key, der],
  ['ES256, one byte', key, zeros(1)],
  ['ES256, one byte short', key, bytesOf(key).subarray(1)],
  ['ES256, one byte more', key, Buffer.concat([bytesOf(key), zeros(1)])],
  ['ES256, each number one zero longer', key, Buffer.concat([zeros(1), r, zeros(1), s])],
  ['ES256, twice', key, Buffer.concat([bytesOf(key), bytesOf(key)])],
  ['ES256, all zero (CVE-2022-21449)', key, zeros(64)],
  ['ES256, r zero', key, Buffer.concat([zeros(32), s])],
  ['ES256, s zero', key, Buffer.concat([r, zeros(32)])],
  ['ES256, r and s the order', key, Buffer.concat([ORDER, ORDER])],
  ['ES256, s the order', key, Buffer.concat([r, ORDER])],
  ['ES256, all ones', key, ones(64)],
  ['ES256, r and s exchanged', key, Buffer.concat([s, r])],
  ['RS256, all zero', rsa, zeros(256)],
  ['RS256, all ones', rsa, ones(256)],
  ['RS256, the number one', rsa, Buffer.concat([zeros(255), Buffer.of(1)])],
  ['RS256, without its last byte', rsa, bytesOf(rsa).subarray(0, -1)],
  ['RS256, one zero longer', rsa, Buffer.concat([zeros(1), bytesOf(rsa)])],
  ['EdDSA, all zero', eddsa, zeros(64)],
  ['EdDSA, all ones', eddsa, ones(64)],
  ['EdDSA, the neutral point and zero', eddsa, Buffer.concat([Buffer.of(1), zeros(63)])],
  ['EdDSA, half of it', eddsa, bytesOf(eddsa).subarray(0, 32)],
  ['EdDSA, one byte more', eddsa, Buffer.concat([bytesOf(eddsa), zeros(1)])],
  ['EdDSA, S not reduced', eddsa, plusOrder(bytesOf(eddsa))],
  ['ML-DSA-44, all zero', mldsa, zeros(2420)],
  ['ML-DSA-44, all ones', mldsa, ones(2420)],
  ['ML-DSA-44, one byte short', mldsa, bytesOf(mldsa).subarray(0, -1)],
  ['ML-DSA-44, one byte more', mldsa, Buffer.concat([bytesOf(mldsa), zeros(1)])],
  ['ML-DSA-44, as long as one of ML-DSA-65', mldsa, Buffer.concat([bytesOf(mldsa), zeros(3309 - 2420)])],
  ['ML-DSA-44, as long as one of ES256', mldsa, bytesOf(mldsa).subarray(0, 64)],
  ['ML-DSA-44, with a context', mldsa, ofAContext],
  ['ML-DSA-44, of the hash of the token', mldsa, ofAHash],
  ['ML-DSA-44, hints out of order', mldsa, withHintsExchanged(bytesOf(mldsa))],
])('a hostile signature is refused: %s', (_what, signer, bytes) => {
  expect(refusalOf(`${inputOf(signer)}.${bytes.toString('base64url')}`)).toMatchObject({
    code: 'TOKEN_SIGNATURE_INVALID',
  });
});

/** The same signature of Ed25519 for verifiers that do not demand S < L. */
function plusOrder(bytes: Buffer): Buffer {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const little = bytes.subarray(32).toReversed();
  const sum = (BigInt(`0x${Buffer.from(little).toString('hex')}`) + order).toString(16).padStart(64, '0');
  return Buffer.concat([bytes.subarray(0, 32), Buffer.from(sum, 'hex').toReversed()]);
}

/**
 * The last 84 bytes are hints: 80 places, and for each of four polynomials where its places end (FIPS 204, HintBitUnpack). The same
 * places in another order would be another text of the same signature.
 */
function withHintsExchanged(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  const places = changed.subarray(-84, -4);
  expect(changed.at(-4)).toBeGreaterThan(1);
  [places[0], places[1]] = [places[1] ?? 0, places[0] ?? 0];
  return changed;
}

test('a token with any one bit flipped in any part is refused', () => {
  const flipped = fc
    .record({ signer: fc.constantFrom(...signers), part: fc.nat({ max: 2 }), bit: fc.nat({ max: 8 * 1024 }) })
    .map(({ signer, part: index, bit }) => {
      const parts = tokenOf(signer, claims)
        .split('.')
        .map((text) => Buffer.from(text, 'base64url'));
      const bytes = parts[index] ?? Buffer.alloc(0);
      const at = Math.floor(bit / 8) % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit % 8));
      return parts.map((each) => each.toString('base64url')).join('.');
    });
  fc.assert(
    fc.property(flipped, (token) => {
      expect(refusalOf(token)).toBeInstanceOf(TokenError);
    }),
    { numRuns: 2000 },
  );
});

test('nothing of the payload is parsed before the signature is verified', () => {
  const deep = part(`${'['.repeat(3000)}${']'.repeat(3000)}`);
  for (const payload of [part('user-1'), part('null'), deep]) {
    expect(refusalOf(`${goodHeader}.${payload}.${goodSignature}`)).toMatchObject({ code: 'TOKEN_SIGNATURE_INVALID' });
  }
});

test('clocks that differ by less than the skew refuse nothing', () => {
  expect(verify(tokenOf(key, { ...claims, exp: now - 9 }))).toBeDefined();
  expect(verify(tokenOf(key, { ...claims, nbf: now + 10, iat: now + 10 }))).toBeDefined();
});

test('TOKEN_EXPIRED means that the token is valid but for its expiry, and carries its claims', () => {
  const refusal = refusalOf(tokenOf(key, { ...claims, exp: now - 10 }));
  expect(refusal).toBeInstanceOf(TokenExpired);
  expect(refusal).toMatchObject({ claims: { sid: 'session-1' } });
});

test('a token with any one character changed is refused', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ %';
  const changed = fc
    .tuple(
      fc.constantFrom(...signers.map((signer) => tokenOf(signer, claims))),
      fc.nat(),
      fc.constantFrom(...Array.from(alphabet)),
    )
    .map(([token, at, character]) => ({ token, at: at % token.length, character }))
    .filter(({ token, at, character }) => token[at] !== character)
    .map(({ token, at, character }) => token.slice(0, at) + character + token.slice(at + 1));
  fc.assert(
    fc.property(changed, (token) => {
      expect(refusalOf(token)).toBeInstanceOf(TokenError);
    }),
    { numRuns: 1000 },
  );
});

test('the last character of a signature is no exception, though decoders drop its last bits', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (const token of signers.map((signer) => tokenOf(signer, claims))) {
    const others = Array.from(alphabet).filter((character) => character !== token.at(-1));
    for (const character of others) expect(refusalOf(token.slice(0, -1) + character)).toBeInstanceOf(TokenError);
  }
});

test('a token without any one character, or with one more, is refused', () => {
  fc.assert(
    fc.property(fc.nat({ max: good.length - 1 }), fc.constantFrom(...Array.from('Aa0-_.= ')), (at, character) => {
      expect(refusalOf(good.slice(0, at) + good.slice(at + 1))).toBeInstanceOf(TokenError);
      expect(refusalOf(good.slice(0, at) + character + good.slice(at))).toBeInstanceOf(TokenError);
    }),
  );
});

test('whatever is sent as a token, it is refused with an error of ours', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(refusalOf(text)).toBeInstanceOf(TokenError);
    }),
  );
});

test('no refusal repeats what was sent', () => {
  const secret = 'SECRETSECRET';
  const sent = [secret, `${secret}.${secret}.${secret}`, tokenOf(key, { ...claims, iss: secret })];
  for (const token of sent) expect(String(refusalOf(token))).not.toContain(secret);
});

test.each<[string, Record<string, string>, string]>([
  ['jwks.json that is not JSON', { 'jwks.json': '{' }, 'jwks.json is not'],
  ['jwks.json without keys', { 'jwks.json': '{}' }, 'jwks.json is not'],
  ['keys that are no list', { 'jwks.json': '{"keys":{}}' }, 'jwks.json is not'],
  ['an origin with a path', { origin: 'https://shop.example.com/' }, 'origin'],
  ['an auth-url of no protocol of ours', { 'auth-url': 'file:///etc' }, 'auth-url'],
  ['cookie-names that are not names', { 'cookie-names': '{"token":"a b","session":"c"}' }, 'cookie-names'],
  ['an empty issuer', { issuer: '\n' }, 'issuer is empty'],
])('a Secret is unusable with %s', (_what, changed, reason) => {
  expect(() => parseTrust(consumerSecret([key], changed))).toThrow(reason);
});

test.each(['jwks.json', 'issuer', 'origin', 'audience', 'cookie-names', 'auth-url'])(
  'a Secret without %s is unusable, and the reason names it',
  (name) => {
    const files = Object.fromEntries(Object.entries(consumerSecret([key])).filter(([each]) => each !== name));
    expect(() => parseTrust(files)).toThrow(`${name} is missing`);
  },
);

function refusalOf(token: string): unknown {
  try {
    return verify(token);
  } catch (error) {
    return error;
  }
}
