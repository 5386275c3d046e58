import { createHmac, generateKeyPairSync } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { expect, test } from '@jest/globals';
import { parseKeyRing } from '../keys/key-ring.ts';
import type { Session } from '../sessions/session.ts';
import { MovableClock, ringKey } from '../testing/world.ts';
import type { Email } from '../users/email.ts';
import type { User } from '../users/user.ts';
import { createAccessTokens, TokenInvalid } from './access-token.ts';

const ring = parseKeyRing(JSON.stringify({ keys: [ringKey('k1', 'active'), ringKey('k2', 'next')] }));
const clock = new MovableClock();
const settings = { issuer: 'https://shop.example.com', audiences: ['shop'], accessTokenTtl: 60_000, clockSkew: 5_000 };
const tokens = createAccessTokens({ ring: () => ring, clock, settings });

const user = { id: 'u1', email: 'jo@example.com' as Email, roles: ['user'], ver: 1 } as const satisfies Partial<User>;
const session = { id: 's1', openedAt: clock.now() } as Session;
const issued = tokens.issue(user as unknown as User, session).token;
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
  ['too much of everything', signed({ more: 'x'.repeat(9_000) })],
];

test.each(hostile)('a token with %s is refused', (_what, token) => {
  expect(() => tokens.verify(token)).toThrow(TokenInvalid);
});

function withHmac(): string {
  const pem = ring.byKid.get('k1')?.publicKey.export({ type: 'spki', format: 'pem' }) ?? '';
  const head = Buffer.from(JSON.stringify({ ...header, alg: 'HS256' })).toString('base64url');
  const body = `${head}.${issued.split('.')[1] ?? ''}`;
  return `${body}.${createHmac('sha256', pem).update(body).digest('base64url')}`;
}
