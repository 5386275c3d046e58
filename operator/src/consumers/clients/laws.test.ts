import { expect, test } from '@jest/globals';
import type { ClientsDocument } from '@authstack/auth-service/api';
import fc from 'fast-check';
import type { Millis } from '../../runtime/objects.ts';
import { clientSecret, secretHash } from '../../stored/client-key.ts';
import type { StoredClients } from '../../stored/clients.ts';
import { NOW, aClient, policy, seenClients, stored, written } from '../testing/clients.ts';
import { generationsAt } from './generations.ts';
import { planClients } from './plan.ts';
import type { ClientsPolicy } from './types.ts';

/** What was there from when on; a mount shows one of those of the last `volumeRefresh`, whichever it likes. */
type History<T> = readonly { readonly from: Millis; readonly value: T }[];

const key = { key: Buffer.alloc(32, 7).toString('base64') };
const MINUTE = 60_000;
const STEP = 30_000;

/** A stack with clients that use secrets. Each pass of the operator is one write at most, so between any two it may die. */
class World {
  private now: Millis = NOW;
  private policy: ClientsPolicy = policy;
  private secret: StoredClients | undefined;
  private documents: History<ClientsDocument> = [];
  private readonly copies = new Map<string, History<string>>();
  private readonly ids: string[] = [];
  private highestVersion = 0;
  rotations = 0;

  addConsumer(): void {
    this.ids.push(`shop/c${this.ids.length}`);
  }

  advance(by: Millis): void {
    // What must hold is looked at all the way, not only where something happens.
    for (let left = by; left > 0; left -= STEP) {
      this.now += Math.min(left, STEP);
      this.check();
    }
  }

  rotateEvery(rotationInterval: Millis): void {
    this.policy = { ...this.policy, rotationInterval };
  }

  stackPass(): void {
    const { now, policy: times, secret } = this;
    const context = { now, policy: times, keyMadeAt: NOW, rotates: this.ids.length > 0 };
    const generations = generationsAt(secret?.generations, context);
    const hashes = (id: string): readonly string[] =>
      [generations.current, generations.next].map((one) => secretHash(clientSecret(key, { id, uid: id }, one)));
    const held = (id: string): ReadonlySet<string> =>
      new Set((this.copies.get(id) ?? []).slice(-1).map(({ value }) => secretHash(value)));
    const consenting = this.ids.map((id) =>
      aClient(id, { credential: { type: 'secret', hashes: hashes(id) }, held: held(id) }),
    );
    const seen = seenClients({
      now,
      policy: times,
      generations,
      consenting,
      stored: secret ? stored(secret) : { state: 'absent' },
    });
    const next = written(planClients(seen).actions);
    if (!next?.document) return;
    expect(next.document.version).toBeGreaterThan(this.highestVersion);
    this.highestVersion = next.document.version;
    if (secret && next.generations?.current !== secret.generations?.current) this.rotations++;
    this.secret = next;
    this.documents = [...this.documents, { from: now, value: next.document }];
  }

  /** As the pass of an AuthConsumer has it: what the stack has recorded. */
  consumerPass(index: number): void {
    const id = this.ids[index % Math.max(1, this.ids.length)];
    const { generations, document } = this.secret ?? {};
    if (id === undefined || !generations) return;
    const secret = clientSecret(key, { id, uid: id }, generations.current);
    const known = document?.clients.find((client) => client.id === id)?.secrets ?? [];
    if (!known.some(({ sha256, notAfter }) => sha256 === secretHash(secret) && notAfter === undefined)) return;
    const history = this.copies.get(id) ?? [];
    if (history.at(-1)?.value === secret) return;
    this.copies.set(id, [...history, { from: this.now, value: secret }]);
  }

  /** Whatever a consumer's pod has mounted is accepted by whatever an auth pod has mounted, wherever its clock is. */
  private check(): void {
    const { clockSkew, volumeRefresh } = this.policy;
    for (const [id, history] of this.copies) {
      // Auth pods that could not be told of a new client know it by then.
      if (this.now < (history[0]?.from ?? 0) + volumeRefresh) continue;
      const pairs = this.mountable(history).flatMap((secret) =>
        this.mountable(this.documents).map((document) => ({ secret, document })),
      );
      const isRefused = pairs.some(({ secret, document }) => !accepts(document, { id, secret }, this.now + clockSkew));
      if (isRefused) throw new Error(`${id} is refused ${this.now - NOW} ms after the beginning`);
    }
  }

  private mountable<T>(history: History<T>): readonly T[] {
    return history.flatMap(({ value }, index) => {
      const replacedAt = history[index + 1]?.from ?? Infinity;
      return this.now < replacedAt + this.policy.volumeRefresh ? [value] : [];
    });
  }

  get mostSecrets(): number {
    return Math.max(0, ...(this.secret?.document?.clients ?? []).map(({ secrets = [] }) => secrets.length));
  }
}

function accepts(document: ClientsDocument, { id, secret }: { id: string; secret: string }, now: Millis): boolean {
  const secrets = document.clients.find((client) => client.id === id)?.secrets ?? [];
  const hash = secretHash(secret);
  return secrets.some(
    ({ sha256, notAfter }) => sha256 === hash && (notAfter === undefined || now < Date.parse(notAfter)),
  );
}

type Happening = (world: World) => void;

const happenings: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constant<Happening>((world) => {
      world.stackPass();
    }),
  },
  {
    weight: 4,
    arbitrary: fc.nat(3).map((index): Happening => (world) => {
      world.consumerPass(index);
    }),
  },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 5 * MINUTE }).map((by): Happening => (world) => {
      world.advance(by);
    }),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 5 * MINUTE, max: 90 * MINUTE }).map((by): Happening => (world) => {
      world.advance(by);
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Happening>((world) => {
      world.addConsumer();
    }),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 3 * MINUTE, max: 60 * MINUTE }).map((every): Happening => (world) => {
      world.rotateEvery(every);
    }),
  },
);

test('no interleaving of time, passes, crashes and changes of the interval makes an auth pod refuse what a consumer has', () => {
  let rotations = 0;
  fc.assert(
    fc.property(fc.array(happenings, { minLength: 20, maxLength: 120, size: 'max' }), (history) => {
      const world = new World();
      world.addConsumer();
      for (const happens of history) happens(world);
      rotations += world.rotations;
    }),
    { numRuns: 80 },
  );
  // A law about rotations that meets none says nothing.
  expect(rotations).toBeGreaterThan(20);
});

test('an operator that works has two secrets of each client accepted, and no more once a rotation is over', () => {
  const world = new World();
  world.addConsumer();
  for (let minute = 0; minute < 300; minute++) {
    world.stackPass();
    world.consumerPass(0);
    world.advance(MINUTE);
  }
  world.rotateEvery(10_000 * MINUTE);
  for (let minute = 0; minute < 10; minute++) {
    world.stackPass();
    world.advance(MINUTE);
  }
  expect(world.rotations).toBeGreaterThanOrEqual(3);
  expect(world.mostSecrets).toBe(2);
});
