import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createVerifier } from '@authstack/verify';
import type { Verifier } from '@authstack/verify';
import { consumerSecret, secretMount } from '../../../../packages/verify/src/testing/secret-mount.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { claimsOf, headerOf, newcomer, send } from '../testing/visitor.ts';
import { keyPairs, ORIGIN, ringKey, until } from '../testing/world.ts';
import type { RingKey } from '../testing/world.ts';
import type { SigningAlgorithm } from './key-ring.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startStack({ pods: 2, pace: 10 });
}, 60_000);

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
});

const published = (keys: readonly RingKey[]): string => JSON.stringify({ keys: keys.map((key) => key['publicJwk']) });

function kidsOf({ status }: Verifier): readonly string[] {
  return status.state === 'ready' ? status.kids : [];
}

/** As the operator writes it, and each pod answers then. */
async function mountRing(...keys: readonly RingKey[]): Promise<void> {
  await stack.mounts.keys.swap({ 'ring.json': JSON.stringify({ keys }) });
  for (const pod of stack.pods) {
    await until(async () => {
      const { text } = await pod.probe('/metrics');
      return keys.every(({ kid, phase, algorithm }) =>
        text.includes(`authstack_key_ring_keys{kid="${kid}",algorithm="${String(algorithm)}",phase="${phase}"} 1`),
      );
    }, 'the ring is in use');
  }
}

/** From each algorithm to each other one, once. */
const journey = [
  ...(['ES256', 'RS256', 'ES256', 'EdDSA', 'ES256', 'ML-DSA-44', 'RS256'] as const),
  ...(['EdDSA', 'RS256', 'ML-DSA-44', 'EdDSA', 'ML-DSA-44', 'ES256'] as const),
];

test('the journey leads from each algorithm to each other one', () => {
  const algorithms = Object.keys(keyPairs);
  const changes = journey.slice(1).map((to, index) => `${journey[index]} to ${to}`);
  const pairs = algorithms.flatMap((from) => algorithms.filter((to) => to !== from).map((to) => `${from} to ${to}`));
  expect(changes.toSorted()).toEqual(pairs.toSorted());
});

test('a stack that goes from one algorithm to the next, and back, refuses no token', async () => {
  const person = await newcomer(stack.pods[0]);
  /** The last of each algorithm. */
  const issued = new Map<SigningAlgorithm, string>();
  let active = ringKey('a0', 'active');
  await mountRing(active);
  await using mount = await secretMount(
    consumerSecret([], { 'jwks.json': published([active]), issuer: ORIGIN, origin: ORIGIN, audience: 'shop' }),
  );
  using verifier = createVerifier({ directory: mount.directory, cacheSize: 0 });
  let accepted = 0;

  /** Everybody accepts every token that there is. */
  async function all(): Promise<void> {
    for (const token of issued.values()) {
      expect(verifier.verify(token).sessionId).toBe(claimsOf(token)['sid']);
      for (const pod of stack.pods) {
        const headers = { authorization: `Bearer ${token}` };
        expect(await send(pod, 'GET /api/users/currentuser', { headers })).toMatchObject({
          status: 200,
          body: { currentUser: { email: person.email } },
        });
      }
      accepted += 1;
    }
  }

  async function sign(algorithm: SigningAlgorithm): Promise<void> {
    for (const pod of stack.pods) {
      expect((await person.refresh(pod)).status).toBe(200);
      expect(headerOf(person.token)).toMatchObject({ alg: algorithm, kid: active.kid, typ: 'at+jwt' });
      issued.set(algorithm, person.token);
      await all();
    }
  }

  await sign('ES256');
  const retiring: RingKey[] = [];
  for (const algorithm of journey.slice(1)) {
    const next = ringKey(`${algorithm}-${retiring.length}`, 'next', algorithm);
    const keys = [...retiring, active, next];
    await mountRing(...keys);
    await mount.swap(
      consumerSecret([], { 'jwks.json': published(keys), issuer: ORIGIN, origin: ORIGIN, audience: 'shop' }),
    );
    await until(() => kidsOf(verifier).includes(next.kid), 'the consumer has the next key');
    await all();

    const { privateJwk: _, ...before } = active;
    retiring.push({ ...before, phase: 'retiring' });
    active = { ...next, phase: 'active', activatedAt: Date.now() };
    await mountRing(...retiring, active);
    await all();
    await sign(algorithm);
  }
  expect(accepted).toBeGreaterThan(20);
}, 240_000);
