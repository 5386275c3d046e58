import { expect, test } from '@jest/globals';
import { consumerSecret } from '../../../packages/verify/src/testing/secret-mount.ts';
import { verifyToken } from '../../../packages/verify/src/token.ts';
import { parseTrust } from '../../../packages/verify/src/trust.ts';
import { parseKeyRing } from '../../../services/auth/src/keys/key-ring.ts';
import { createAccessTokens } from '../../../services/auth/src/tokens/access-token.ts';
import type { User } from '../../../services/auth/src/users/user.ts';
import { signingAlgorithms } from '../api/auth-stack/signing-keys.ts';
import type { Millis } from '../runtime/objects.ts';
import type { PublicJwk } from '../stored/jwks.ts';
import type { Algorithm, StoredRing } from '../stored/key-ring.ts';
import { freshKey } from './fresh-key.ts';
import { MINUTE } from './testing/seen.ts';
import { KeyWorld } from './testing/world.ts';

/** The model of the laws with real keys: what pods sign is what the auth service issues, and who verifies does it as services do. */

const ISSUER = 'https://shop.example.com';
const user = { id: 'f'.repeat(24), roles: ['user'], ver: 1 } as unknown as User;

/** From each algorithm to each other one, once. */
const journey: readonly Algorithm[] = [
  ...(['ES256', 'RS256', 'ES256', 'EdDSA', 'ES256', 'ML-DSA-44', 'RS256'] as const),
  ...(['EdDSA', 'RS256', 'ML-DSA-44', 'EdDSA', 'ML-DSA-44', 'ES256'] as const),
];

interface Issued {
  readonly token: string;
  readonly algorithm: Algorithm;
  readonly expiresAt: Millis;
}

class Migration {
  readonly world: KeyWorld;
  readonly refused: string[] = [];
  /** Each algorithm that signed, when it began to. */
  readonly signed: Algorithm[] = [];
  accepted = 0;
  private readonly publicJwks = new Map<string, PublicJwk>();
  private issued: Issued[] = [];
  private polled: { readonly at: Millis; readonly jwks: readonly PublicJwk[] } | undefined;

  constructor() {
    this.world = new KeyWorld((algorithm) => {
      const key = freshKey(algorithm, this.world.now);
      this.publicJwks.set(key.kid, key.publicJwk);
      return key;
    });
    this.world.pass();
    this.world.pass();
    this.world.sync('shop/orders');
  }

  /** A pass, the copies that follow it, a token of each pod, and everybody's look at every token that lives. */
  step(): void {
    const { world } = this;
    const { recheckAt = Infinity } = world.pass();
    for (const consumer of world.consumers.keys()) world.sync(consumer);
    world.advance(Math.max(1, Math.min(recheckAt - world.now, MINUTE)));
    for (const { ring } of world.pods.values()) if (ring) this.issue(ring);
    this.poll();
    this.issued = this.issued.filter(({ expiresAt }) => expiresAt > world.now);
    for (const { holds } of world.consumers.values()) {
      const mounted = [...holds].filter(([, since]) => since + world.policy.volumeRefresh <= world.now);
      this.verify(mounted.flatMap(([kid]) => this.publicJwks.get(kid) ?? []));
    }
    this.verify(this.polled?.jwks ?? []);
  }

  private issue(ring: StoredRing): void {
    const { now, policy } = this.world;
    const loaded = parseKeyRing(JSON.stringify(ring));
    const settings = {
      ...{ issuer: ISSUER, audiences: ['shop'], accessTokenTtl: policy.accessTokenTtl, clockSkew: policy.clockSkew },
    };
    const clock = { now: () => now, monotonic: () => now, after: () => () => undefined };
    const tokens = createAccessTokens({ keys: { current: () => loaded, signed: () => undefined }, clock, settings });
    const { token, lifetime } = tokens.issue(user, { id: 's'.repeat(22), openedAt: now, delivery: 'cookie' });
    const { algorithm } = loaded.active;
    if (this.signed.at(-1) !== algorithm) this.signed.push(algorithm);
    this.issued.push({ token, algorithm, expiresAt: now + lifetime });
  }

  /** The key set of some pod, kept for as long as it may be. */
  private poll(): void {
    const { now, policy, pods } = this.world;
    if (this.polled && now < this.polled.at + policy.jwksMaxAge) return;
    const [first, second] = [...pods.values()];
    const pod = this.polled && this.polled.at % 2 === 0 ? second : first;
    this.polled = { at: now, jwks: (pod?.ring?.keys ?? []).map(({ publicJwk }) => publicJwk) };
  }

  private verify(keys: readonly PublicJwk[]): void {
    const trust = parseTrust(consumerSecret([], { 'jwks.json': JSON.stringify({ keys }), issuer: ISSUER }));
    for (const { token, algorithm } of this.issued) {
      try {
        verifyToken(token, trust, { now: this.world.now, clockSkew: 60 });
        this.accepted += 1;
      } catch (error) {
        this.refused.push(`a token of ${algorithm}: ${String(error)}`);
      }
    }
  }
}

test('from each algorithm to each other one, each migration is a rotation in which nobody refuses a token', () => {
  const pairs = journey.slice(1).map((to, index) => `${journey[index]} to ${to}`);
  const all = signingAlgorithms.flatMap((from) =>
    signingAlgorithms.filter((to) => to !== from).map((to) => `${from} to ${to}`),
  );
  expect(pairs.toSorted()).toEqual(all.toSorted());

  const migration = new Migration();
  const { world } = migration;
  for (const algorithm of journey) {
    world.change({ algorithm });
    // Until no pod signs with the one before, its mount at its slowest.
    for (
      let steps = 0;
      steps < 40 && [...world.pods.values()].some((pod) => !signsBy(pod.ring, algorithm));
      steps += 1
    ) {
      migration.step();
    }
  }
  // Until what was signed last by the one before has expired.
  for (const end = world.now + 40 * MINUTE; world.now < end;) migration.step();

  expect(migration.refused).toEqual([]);
  expect(world.broken).toEqual([]);
  // Two pods go on to the next key one after the other, at the same moment of the model.
  expect(migration.signed).toEqual(journey);
  expect(migration.accepted).toBeGreaterThan(5_000);
}, 480_000);

function signsBy(ring: StoredRing | undefined, algorithm: Algorithm): boolean {
  return ring?.keys.find(({ phase }) => phase === 'active')?.algorithm === algorithm;
}
