import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { expect, test } from '@jest/globals';
import { parseKeyRing } from '../keys/key-ring.ts';
import type { KeyRing, SigningAlgorithm, VerificationKey } from '../keys/key-ring.ts';
import type { KeysInUse } from '../keys/loaded-keys.ts';
import type { Session } from '../sessions/session.ts';
import { keyPairs, MovableClock, ringKey } from '../testing/world.ts';
import type { Email } from '../users/email.ts';
import type { User } from '../users/user.ts';
import { createAccessTokens, TokenInvalid } from './access-token.ts';

const ring = parseKeyRing(JSON.stringify({ keys: [ringKey('k1', 'active'), ringKey('k2', 'next')] }));
const clock = new MovableClock();
const inUse = (current: () => KeyRing): KeysInUse => ({ current, signed: () => undefined });
const settings = { issuer: 'https://shop.example.com', audiences: ['shop'], accessTokenTtl: 60_000, clockSkew: 5_000 };
const tokens = createAccessTokens({ keys: inUse(() => ring), clock, settings });

const user = { id: 'u1', email: 'jo@example.com' as Email, roles: ['user'], ver: 1 } as const satisfies Partial<User>;
const session = { id: 's1', openedAt: clock.now() } as Session;
const { token: issued } = tokens.issue(user as unknown as User, session);
const claims = jwt.decode(issued) as jwt.JwtPayload;
const header = { alg: 'ES256', typ: 'at+jwt', kid: 'k1' } as const;

function signed(change: object, headerChange: object = {}): string {
  const key = ring.active.privateKey;
  return jwt.sign({ ...claims, ...change }, key, { algorithm: 'ES256', header: { ...header, ...headerChange } });
}

test('what was issued is accepted', () => {
  expect(tokens.verify(issued)).toMatchObject({ sub: 'u1', sid: 's1', aud: 'shop' });
  expect(tokens.verify(signed({}))).toMatchObject({ sub: 'u1' });
});

const algorithms = Object.keys(keyPairs) as SigningAlgorithm[];

test.each(algorithms)('a token is signed and accepted by %s alone, the algorithm of its key', (algorithm) => {
  const keys = [
    ringKey(algorithm, 'active', algorithm),
    ...algorithms.map((each) => ringKey(`next-${each}`, 'next', each)),
  ];
  const own = parseKeyRing(JSON.stringify({ keys: [keys[0], keys.find(({ kid }) => kid === `next-${algorithm}`)] }));
  const mixed = { ...own, byKid: parseKeyRing(JSON.stringify({ keys })).byKid };
  const pod = createAccessTokens({ keys: inUse(() => mixed), clock, settings });
  const { token } = pod.issue(user as unknown as User, session);
  const [head = '', ...rest] = token.split('.');
  const read = JSON.parse(Buffer.from(head, 'base64url').toString()) as object;
  expect(read).toEqual({ alg: algorithm, typ: 'at+jwt', kid: algorithm });
  expect(pod.verify(token)).toMatchObject({ sub: 'u1', sid: 's1' });

  const others = algorithms.flatMap((alg) => [{ alg }, { alg, kid: `next-${alg}` }, { kid: `next-${alg}` }]);
  for (const change of others.filter(({ alg, kid }) => alg !== algorithm || kid !== undefined)) {
    const changed = Buffer.from(JSON.stringify({ ...read, ...change })).toString('base64url');
    expect(() => pod.verify([changed, ...rest].join('.'))).toThrow(TokenInvalid);
  }
});

test('the signature of a token is verified once, as long as the ring is the same and the token has not expired', () => {
  const rings = { current: counting() };
  const clockOfPod = new MovableClock();
  const pod = createAccessTokens({ keys: inUse(() => rings.current.ring), clock: clockOfPod, settings });
  const token = signed({});
  expect([pod.verify(token), pod.verify(token), rings.current.verified()]).toMatchObject([
    { sub: 'u1' },
    { sub: 'u1' },
    1,
  ]);
  expect([pod.verify(malleated(token)), rings.current.verified()]).toMatchObject([{ sub: 'u1' }, 2]);

  const before = rings.current;
  rings.current = counting();
  expect([pod.verify(token), before.verified(), rings.current.verified()]).toMatchObject([{ sub: 'u1' }, 2, 1]);

  clockOfPod.advance(settings.accessTokenTtl + settings.clockSkew);
  expect(() => pod.verify(token)).toThrow('the access token has expired');

  rings.current = { ring: { ...ring, byKid: new Map() }, verified: () => 0 };
  expect(() => pod.verify(token)).toThrow(TokenInvalid);
});

const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const unsigned = `${Buffer.from(JSON.stringify({ ...header, alg: 'none' })).toString('base64url')}.${issued.split('.')[1] ?? ''}.`;
const past = Math.floor(clock.now() / 1000) - 100;

const hostile: readonly [string, string][] = [
  ['nothing', ''],
  ['no token', 'a.b.c'],
  ['no signature', unsigned],
  ['a public key used as a secret', withHmac()],
  ['a stranger as signer', jwt.sign(claims, stranger, { algorithm: 'ES256', header })],
  ['an expired life', signed({ exp: past, iat: past - 60 })],
  ['a life to come', signed({ nbf: past + 1000 })],
  ['an issue in the future', signed({ iat: past + 1000 })],
  ['another issuer', signed({ iss: 'https://other.example' })],
  ['another audience', signed({ aud: 'warehouse' })],
  ['another type', signed({}, { typ: 'JWT' })],
  ['no kid', signed({}, { kid: undefined })],
  ['an unknown kid', signed({}, { kid: 'k9' })],
  ["another key's kid", signed({}, { kid: 'k2' })],
  ['a critical extension', signed({}, { crit: ['b64'] })],
  ['a key of its own', signed({}, { jwk: { kty: 'EC' } })],
  ['an address of keys', signed({}, { jku: 'https://evil.example/jwks.json' })],
  ['no sid', signed({ sid: undefined })],
  ['a ver that is no number', signed({ ver: '1' })],
  ['an unknown role', signed({ roles: ['root'] })],
  ['an empty jti', signed({ jti: '' })],
  ['a ver that is no whole number', signed({ ver: 1.5 })],
  ['a compressed payload', signed({}, { zip: 'DEF' })],
  ['encryption in its header', signed({}, { enc: 'A128GCM' })],
  ['a critical extension that is empty', signed({}, { crit: [] })],
  ['padding', `${issued}=`],
  ['white space', ` ${issued}`],
  [
    'a signature in DER',
    `${inputOf(issued)}.${sign('sha256', Buffer.from(inputOf(issued)), ring.active.privateKey).toString('base64url')}`,
  ],
  ['too much of everything', signed({ more: 'x'.repeat(9_000) })],
];

test('a token with any one character of its signature changed is refused, the last ones too, whose bits decoders drop', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (const at of [-1, -2, -43]) {
    for (const character of alphabet) {
      const index = issued.length + at;
      const changed = issued.slice(0, index) + character + issued.slice(index + 1);
      if (changed !== issued) expect(() => tokens.verify(changed)).toThrow(TokenInvalid);
    }
  }
});

test('a token of another replica, whose clock differs by less than the skew, is accepted', () => {
  const now = Math.floor(clock.now() / 1000);
  expect(tokens.verify(signed({ iat: now + 5 }))).toMatchObject({ sub: 'u1' });
  expect(tokens.verify(signed({ iat: now - 64, exp: now - 4 }))).toMatchObject({ sub: 'u1' });
});

test('a refusal tells why, and repeats nothing of the token', () => {
  expect(() => tokens.verify(signed({ iss: 'https://other.example' }))).toThrow(
    'the access token is of another issuer',
  );
});

test.each(hostile)('a token with %s is refused', (_what, token) => {
  expect(() => tokens.verify(token)).toThrow(TokenInvalid);
});

/** A ring that counts how often a key of it verified. */
function counting(): { readonly ring: KeyRing; readonly verified: () => number } {
  let count = 0;
  const counted = ({ kid, algorithm, publicKey }: VerificationKey): VerificationKey => ({
    kid,
    algorithm,
    get publicKey() {
      count += 1;
      return publicKey;
    },
  });
  const byKid = new Map([...ring.byKid].map(([kid, key]) => [kid, counted(key)]));
  return { ring: { ...ring, byKid }, verified: () => count };
}

/** With the other signature of the same text that holds: (r, n − s). */
function malleated(token: string): string {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const signature = Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url');
  const s = order - BigInt(`0x${signature.toString('hex', 32)}`);
  const other = Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
  return `${inputOf(token)}.${other.toString('base64url')}`;
}

function inputOf(token: string): string {
  return token.slice(0, token.lastIndexOf('.'));
}

function withHmac(): string {
  const pem = ring.byKid.get('k1')?.publicKey.export({ type: 'spki', format: 'pem' }) ?? '';
  const head = Buffer.from(JSON.stringify({ ...header, alg: 'HS256' })).toString('base64url');
  const body = `${head}.${issued.split('.')[1] ?? ''}`;
  return `${body}.${createHmac('sha256', pem).update(body).digest('base64url')}`;
}
