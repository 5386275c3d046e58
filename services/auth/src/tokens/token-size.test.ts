import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { parseKeyRing } from '../keys/key-ring.ts';
import type { SigningAlgorithm } from '../keys/key-ring.ts';
import { keyPairs, MovableClock, ringKey } from '../testing/world.ts';
import { roles } from '../users/user.ts';
import type { User } from '../users/user.ts';
import { CookieTooLarge, createAccessTokens } from './access-token.ts';
import type { AccessTokens, TokenSession } from './access-token.ts';
import type { Addressed } from './claims.ts';
import { COOKIE_BYTES, largestCookie, ownKey, roomForAddressed } from './token-size.ts';

const algorithms = Object.keys(keyPairs) as SigningAlgorithm[];
const clock = new MovableClock();
const user = { id: 'f'.repeat(24), roles, ver: 1 } as unknown as User;
const session: TokenSession = { id: 's'.repeat(22), openedAt: clock.now(), delivery: 'cookie' };
const HTTPS = 'https://shop.example.com';

/** Keys of the kid and, for RS256, of the size of the operator's are too slow to make for each run. */
const rings = new Map(
  algorithms.map((algorithm) => [
    algorithm,
    parseKeyRing(JSON.stringify({ keys: [ringKey('k'.repeat(43), 'active', algorithm)] })),
  ]),
);

function tokensOf(algorithm: SigningAlgorithm, { issuer, audiences }: Addressed): AccessTokens {
  const ring = rings.get(algorithm);
  const settings = { issuer, audiences, accessTokenTtl: 60_000, clockSkew: 5_000 };
  return createAccessTokens({ keys: { current: () => ring, signed: () => undefined }, clock, settings });
}

const nameOf = (issuer: string): string => (issuer.startsWith('https:') ? '__Host-token' : 'token');

/** Audiences that have so many bytes in the claims, quotes and commas included; at least 16. */
function audiencesOf(bytes: number): readonly string[] {
  const many = Math.ceil(bytes / 120);
  if (many === 1) return ['a'.repeat(bytes - 2)];
  const letters = bytes - (3 * many + 1);
  return Array.from({ length: many }, (_, index) => 'a'.repeat(Math.floor((letters + index) / many)));
}

test('the audiences of these tests have as many bytes as they should', () => {
  for (const bytes of [16, 119, 121, 300, 302, 2342]) {
    const audiences = audiencesOf(bytes);
    expect(JSON.stringify(audiences.length === 1 ? audiences[0] : audiences)).toHaveLength(bytes);
  }
});

const texts = fc.string({ unit: fc.constantFrom('a', 'b', '9', '.', '-', ':', '/', '_'), minLength: 1, maxLength: 60 });

test.each(algorithms)(
  'no token of %s has more bytes than is said beforehand, and none fits that is said not to',
  (algorithm) => {
    const modulusBits = algorithm === 'RS256' ? 2048 : undefined;
    const addressed = fc.record({
      issuer: texts.map((text) => `https://${text}`),
      audiences: fc.array(texts, { minLength: 1, maxLength: 16 }),
      ver: fc.nat(),
      more: fc.boolean(),
    });
    fc.assert(
      fc.property(addressed, ({ issuer, audiences, ver, more }) => {
        const tokens = tokensOf(algorithm, { issuer, audiences });
        const some = { ...user, ver, roles: more ? roles : ['user'] } as User;
        const { token } = tokens.issue(some, { ...session, delivery: 'body' });
        const bytes = nameOf(issuer).length + token.length;
        expect(bytes).toBeLessThanOrEqual(largestCookie({ ...ownKey(algorithm), modulusBits }, { issuer, audiences }));
        const issue = (): unknown => tokens.issue(some, session);
        if (bytes > COOKIE_BYTES) expect(issue).toThrow(CookieTooLarge);
        else expect(issue).not.toThrow();
      }),
      { numRuns: 60 },
    );
  },
);

test.each(algorithms)('the room for issuer and audiences is the last byte that fits: %s', (algorithm) => {
  const key = ownKey(algorithm);
  const room = roomForAddressed(key) - JSON.stringify(HTTPS).length;
  const of = (bytes: number): Addressed => ({ issuer: HTTPS, audiences: audiencesOf(bytes) });
  expect(largestCookie(key, of(room))).toBeLessThanOrEqual(COOKIE_BYTES);
  expect(largestCookie(key, of(room + 1))).toBeGreaterThan(COOKIE_BYTES);
});

test('a post-quantum token of an ordinary stack fits, one of many audiences is refused to browsers and given to other clients', () => {
  expect(largestCookie(ownKey('ML-DSA-44'), { issuer: HTTPS, audiences: ['shop', 'orders', 'billing'] })).toBeLessThan(
    3_800,
  );
  const tokens = tokensOf('ML-DSA-44', { issuer: HTTPS, audiences: audiencesOf(400) });
  for (const refused of [
    () => tokens.issue(user, session),
    () => {
      tokens.mustFit(user, session);
    },
  ]) {
    expect(refused).toThrow(/have 4\d{3} bytes, and browsers drop a cookie of more than 4096/);
  }
  const { token } = tokens.issue(user, { ...session, delivery: 'body' });
  expect(tokens.verify(token)).toMatchObject({ sub: user.id });
});
