import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { VerificationKey } from './algorithms.ts';
import { TokenKeyUnknown } from './errors.ts';
import { KeysInForce } from './keys-in-force.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { AUDIENCE, claimsAt, ISSUER, signingKey, tokenOf } from './testing/issuer.ts';
import { verifyToken } from './token.ts';

const kids = ['k1', 'k2', 'k3', 'k4'] as const;
type Kid = (typeof kids)[number];
const signers = new Map(kids.map((kid) => [kid as string, signingKey(kid)]));
const clock = new FakeClock();
const tokens = new Map([...signers].map(([kid, key]) => [kid, tokenOf(key, claimsAt(clock))]));

function keysOf(...of: readonly string[]): ReadonlyMap<string, VerificationKey> {
  return new Map(
    of.map((kid) => {
      const { algorithm, publicKey } = signers.get(kid) ?? signingKey(kid);
      return [kid, { kid, algorithm, publicKey }];
    }),
  );
}

function fed(version: number, of: readonly Kid[], revokedKids: readonly Kid[] = []) {
  return { version, keys: keysOf(...of), revokedKids };
}

/** By the only thing that counts: whether tokens that they signed are valid. */
function inForce({ keys }: KeysInForce): readonly string[] {
  const accepted = { issuer: ISSUER, audiences: [AUDIENCE], keys };
  return kids.filter((kid) => {
    try {
      verifyToken(tokens.get(kid) ?? '', accepted, { now: clock.now(), clockSkew: 0 });
      return true;
    } catch (error) {
      if (error instanceof TokenKeyUnknown) return false;
      throw error;
    }
  });
}

test('what either the mount or the feed has is in force', () => {
  const keys = new KeysInForce();
  keys.mount(keysOf('k1', 'k2'));
  keys.feed(fed(2, ['k2', 'k3']));
  expect(inForce(keys)).toEqual(['k1', 'k2', 'k3']);
});

test('a revoked key is out at once, and stays out of whatever mount or pod still shows it', () => {
  const keys = new KeysInForce();
  keys.mount(keysOf('k1', 'k2'));
  expect(keys.feed(fed(2, ['k2'], ['k1']))).toEqual({ hasChanged: true, hasLost: true });
  expect(inForce(keys)).toEqual(['k2']);

  keys.mount(keysOf('k1', 'k2'));
  keys.feed(fed(1, ['k1', 'k2']));
  keys.feedIsAway();
  keys.mount(keysOf('k1'));
  keys.feed(fed(3, ['k1', 'k2']));
  expect(inForce(keys)).toEqual(['k2']);
});

test('a pod that is behind takes away no key that the one before told of', () => {
  const keys = new KeysInForce();
  keys.mount(keysOf('k1'));
  keys.feed(fed(5, ['k1', 'k3']));
  keys.feed(fed(4, ['k1', 'k2']));
  expect(inForce(keys)).toEqual(['k1', 'k3']);
});

test('while the feed is away, what is in force stays, but for what the mount drops', () => {
  const keys = new KeysInForce();
  keys.mount(keysOf('k1', 'k2'));
  keys.feed(fed(5, ['k1', 'k2', 'k3']));
  keys.feedIsAway();
  expect(inForce(keys)).toEqual(['k1', 'k2', 'k3']);

  // Revoked, and only the mount could tell; it has not shown k3 yet.
  keys.mount(keysOf('k2'));
  expect(inForce(keys)).toEqual(['k2', 'k3']);
});

test('while the feed is live, a mount that drops a key takes nothing away that the feed has', () => {
  const keys = new KeysInForce();
  keys.mount(keysOf('k1', 'k2'));
  keys.feed(fed(5, ['k1', 'k2']));
  keys.mount(keysOf('k2'));
  expect(inForce(keys)).toEqual(['k1', 'k2']);
  expect(keys.feed(fed(6, ['k2']))).toEqual({ hasChanged: true, hasLost: true });
  expect(inForce(keys)).toEqual(['k2']);
});

test('of two keys under one kid, the mounted one is in force', () => {
  const keys = new KeysInForce();
  const { algorithm, publicKey } = signingKey('k1');
  keys.feed({ version: 9, keys: new Map([['k1', { kid: 'k1', algorithm, publicKey }]]), revokedKids: [] });
  expect(keys.mount(keysOf('k1'))).toEqual({ hasChanged: true, hasLost: true });
  expect(inForce(keys)).toEqual(['k1']);
});

test('what changes nothing leaves the map as it is, and what adds a key loses none', () => {
  const keys = new KeysInForce();
  keys.mount(keysOf('k1'));
  const before = keys.keys;
  expect(keys.feed(fed(1, ['k1']))).toEqual({ hasChanged: false, hasLost: false });
  expect(keys.keys).toBe(before);
  expect(keys.feed(fed(2, ['k1', 'k2']))).toEqual({ hasChanged: true, hasLost: false });
});

test('the keys of a feed of another stack are forgotten, its revoked ones are not', () => {
  const keys = new KeysInForce();
  keys.feed(fed(5, ['k1', 'k3'], ['k2']));
  keys.forgetFeed();
  keys.mount(keysOf('k1', 'k2'));
  expect(inForce(keys)).toEqual(['k1']);
});

type Happening =
  | { readonly type: 'mount'; readonly has: readonly Kid[] }
  | { readonly type: 'feed'; readonly version: number; readonly has: readonly Kid[]; readonly revoked: readonly Kid[] }
  | { readonly type: 'away' };

const some = fc.subarray([...kids]);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ type: fc.constant('mount' as const), has: some }),
  fc.record({
    type: fc.constant('feed' as const),
    version: fc.nat(6),
    has: some,
    revoked: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: some }),
  }),
  fc.record({ type: fc.constant('away' as const) }),
);

/** What was seen, told without the rules that are tried. */
interface Seen {
  mounted: readonly Kid[];
  newest: { readonly version: number; readonly has: readonly Kid[] };
  revoked: readonly Kid[];
  isLive: boolean;
  /** Dropped by a mount while the feed was away, since the newest told of them. */
  dropped: readonly Kid[];
}

test('however mounts, events and reconnects follow each other, no revoked key verifies again and no other is lost', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 25 }), (history) => {
      const keys = new KeysInForce();
      const seen: Seen = { mounted: [], newest: { version: 0, has: [] }, revoked: [], isLive: false, dropped: [] };
      for (const one of history) {
        switch (one.type) {
          case 'mount':
            keys.mount(keysOf(...one.has));
            if (!seen.isLive) {
              seen.dropped = [...seen.dropped, ...seen.mounted.filter((kid) => !one.has.includes(kid))];
            }
            seen.mounted = one.has;
            break;
          case 'feed':
            keys.feed(fed(one.version, one.has, one.revoked));
            seen.isLive = true;
            seen.revoked = [...seen.revoked, ...one.revoked];
            if (one.version >= seen.newest.version) [seen.newest, seen.dropped] = [one, []];
            break;
          case 'away':
            keys.feedIsAway();
            seen.isLive = false;
        }
        const verifying = inForce(keys);
        expect(verifying.filter((kid) => seen.revoked.includes(kid as Kid))).toEqual([]);
        const newest = [...seen.mounted, ...seen.newest.has.filter((kid) => !seen.dropped.includes(kid))];
        expect(verifying).toEqual(kids.filter((kid) => newest.includes(kid) && !seen.revoked.includes(kid)));
      }
    }),
    { numRuns: 300 },
  );
});
