import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TokenCache } from './token-cache.ts';
import { userFrom } from './user.ts';
import type { User } from './user.ts';

interface Issued {
  readonly token: string;
  readonly user: User;
  readonly until: number;
}

const FOR_EVER = Number.MAX_SAFE_INTEGER;

/** Two sessions for each of five users, two tokens for each version of a session. */
const issued: readonly Issued[] = Array.from({ length: 40 }, (_, index) =>
  issue(index, { sub: `user-${index % 5}`, sid: `session-${index % 10}`, ver: Math.floor(index / 10) % 2 }),
);

function issue(
  index: number,
  { sub = `user-${index}`, sid = `session-${index}`, ver = 0, exp = FOR_EVER } = {},
): Issued {
  const claims = { iss: 'i', sub, aud: 'a', exp, iat: 0, jti: `${index}`, client_id: 'c', sid, ver, roles: [] };
  return { token: `header.payload.signature-${index}`, user: userFrom(claims), until: exp };
}

/** Asks for a token as a verifier does: what is not cached is verified and cached then. Answers whether it was cached. */
function ask(cache: TokenCache, { token, user, until }: Issued, now = 0): boolean {
  const known = cache.get(token, now);
  if (known === undefined) cache.set(token, user, { until, now });
  else expect(known).toBe(user);
  return known !== undefined;
}

function hits(cache: TokenCache, asked: readonly Issued[]): number {
  return asked.filter((each) => ask(cache, each)).length;
}

type Step =
  | { readonly type: 'ask'; readonly asked: Issued; readonly life: number }
  | { readonly type: 'pass'; readonly time: number }
  | { readonly type: 'revokeUser'; readonly user: number; readonly version: number }
  | { readonly type: 'revokeSession'; readonly session: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 20,
      arbitrary: fc.record({
        type: fc.constant('ask'),
        asked: fc.constantFrom(...issued),
        life: fc.integer({ min: 1, max: 60 }),
      }),
    },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('pass'), time: fc.integer({ min: 1, max: 10 }) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('revokeUser'), user: fc.nat(4), version: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('revokeSession'), session: fc.nat(9) }) },
  ),
  { maxLength: 200 },
);

/** The naive cache: everything that was ever cached, until it expires or is revoked, in a list that is searched through. */
class Everything {
  private kept: readonly Issued[] = [];

  add(each: Issued): void {
    this.kept = [...this.kept.filter(({ token }) => token !== each.token), each];
  }

  has(token: string, now: number): boolean {
    return this.kept.some((each) => each.token === token && now < each.until);
  }

  revoke(isRevoked: (user: User) => boolean): void {
    this.kept = this.kept.filter(({ user }) => !isRevoked(user));
  }
}

test('whatever is asked, passes and is revoked, the cache knows only what the naive one does, and never too much', () => {
  fc.assert(
    fc.property(fc.nat(24), steps, (capacity, history) => {
      const cache = new TokenCache(capacity);
      const everything = new Everything();
      let now = 0;
      const known = (): string[] => issued.filter(({ token }) => cache.get(token, now)).map(({ token }) => token);
      const revoke = (isRevoked: (user: User) => boolean, revokeIn: () => number): void => {
        const before = issued.filter(({ token }) => cache.get(token, now));
        const kept = before.filter(({ user }) => !isRevoked(user)).map(({ token }) => token);
        expect(revokeIn()).toBe(before.length - kept.length);
        everything.revoke(isRevoked);
        expect(known()).toEqual(kept);
      };
      for (const step of history) {
        if (step.type === 'pass') now += step.time;
        if (step.type === 'ask') {
          const each = { ...step.asked, until: now + step.life };
          if (ask(cache, each, now)) expect(everything.has(each.token, now)).toBe(true);
          else everything.add(each);
        }
        if (step.type === 'revokeUser') {
          const { user: id, version } = step;
          revoke(
            (user) => user.id === `user-${id}` && user.claims.ver < version,
            () => cache.revokeUser(`user-${id}`, version),
          );
        }
        if (step.type === 'revokeSession') {
          const sessionId = `session-${step.session}`;
          revoke(
            (user) => user.sessionId === sessionId,
            () => cache.revokeSession(sessionId),
          );
        }
        expect(cache.size).toBeLessThanOrEqual(capacity);
      }
    }),
  );
});

test('while there is room, no token is forgotten, whatever was revoked or expired before', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const cache = new TokenCache(issued.length);
      for (const step of history) {
        if (step.type === 'ask') ask(cache, step.asked);
        if (step.type === 'revokeUser') cache.revokeUser(`user-${step.user}`, step.version);
        if (step.type === 'revokeSession') cache.revokeSession(`session-${step.session}`);
      }
      const distinct = issued.slice(0, 30);
      hits(cache, distinct);
      expect(hits(cache, distinct)).toBe(distinct.length);
    }),
  );
});

describe('of more tokens than there is room for', () => {
  const capacity = 200;
  const many = Array.from({ length: 5 * capacity }, (_, index) => issue(index));

  test('asked for in turn, nearly as many are known in each turn as there is room for', () => {
    const cache = new TokenCache(capacity);
    hits(cache, many);
    for (let turn = 0; turn < 5; turn += 1) expect(hits(cache, many)).toBeGreaterThanOrEqual(0.9 * capacity);
  });

  test('a flood of tokens that are used once leaves those known that are used again and again', () => {
    const cache = new TokenCache(capacity);
    const regulars = many.slice(0, 100);
    hits(cache, regulars);
    for (let turn = 0; turn < 5; turn += 1) {
      hits(cache, many.slice(100));
      expect(hits(cache, regulars)).toBeGreaterThanOrEqual(0.9 * regulars.length);
    }
  });

  test('those that are used now take the place of those that were', () => {
    const cache = new TokenCache(capacity);
    const [earlier, later] = [many.slice(0, capacity), many.slice(capacity, 1.5 * capacity)];
    hits(cache, [...earlier, ...earlier]);
    for (let turn = 0; turn < 20; turn += 1) hits(cache, later);
    expect(hits(cache, later)).toBeGreaterThanOrEqual(0.95 * later.length);
  });

  test('of a few popular and many rare ones (Zipf), more are known than when the oldest had to go', () => {
    const asked = zipf(many, 20_000);
    const oldest = new OldestGoes(capacity);
    expect(hits(new TokenCache(capacity), asked)).toBeGreaterThan(asked.filter((each) => oldest.ask(each)).length);
  });
});

class OldestGoes {
  private readonly kept = new Set<string>();
  private readonly capacity: number;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  ask({ token }: Issued): boolean {
    if (this.kept.has(token)) return true;
    const [oldest] = this.kept.size >= this.capacity ? this.kept : [];
    if (oldest !== undefined) this.kept.delete(oldest);
    this.kept.add(token);
    return false;
  }
}

/** The same sequence each time: the n-th of them is asked for about 1/n times as often as the first. */
function zipf(of: readonly Issued[], length: number): Issued[] {
  const weights = of.map((_, index) => 1 / (index + 1));
  const total = weights.reduce((sum, weight) => sum + weight);
  const random = uniform();
  return Array.from({ length }, () => {
    let rest = random() * total;
    return of.find((_, index) => (rest -= weights[index] ?? 0) <= 0) ?? [];
  }).flat();
}

/** Numerical Recipes' linear congruential generator: from 0 up to 1. */
function uniform(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('a cached token keeps nothing of the header that it came in', () => {
  const cache = new TokenCache(100);
  const header = `__Host-session=${'secret'.repeat(1_000)}; __Host-token=`;
  const before = heapUsed();
  for (let index = 0; index < 100; index += 1) {
    const { token, user, until } = issue(index);
    const whole = Buffer.from(`${header}${token}`).toString('latin1');
    cache.set(whole.slice(header.length), user, { until, now: 0 });
  }
  const kept = heapUsed() - before;
  expect(cache.size).toBe(100);
  expect(kept).toBeLessThan(0.5 * 100 * header.length);
});

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
