import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planSigningKeys } from './plan.ts';
import { MINUTE } from './testing/seen.ts';
import { KeyWorld } from './testing/world.ts';

/** Histories of plan and edit on virtual time: whatever happens in whatever order, these hold. */

interface Event {
  readonly happen: (world: KeyWorld) => void;
  /** What fast-check prints of a history that breaks a law. */
  readonly [fc.toStringMethod]: () => string;
}

function named(name: string, happen: (world: KeyWorld) => void): Event {
  return { happen, [fc.toStringMethod]: () => name };
}

const consumers = ['shop/orders', 'shop/billing', 'web/front'];
const instances = ['orders-a', 'orders-b', 'billing-a'];
const pods = ['shop-auth-1', 'shop-auth-2', 'shop-auth-3'];

function oneOf<T>(
  values: readonly T[],
  name: (value: T) => string,
  happen: (world: KeyWorld, value: T) => void,
): fc.Arbitrary<Event> {
  return fc.constantFrom(...values).map((value) =>
    named(name(value), (world) => {
      happen(world, value);
    }),
  );
}

function once(name: string, happen: (world: KeyWorld) => void): fc.Arbitrary<Event> {
  return fc.constant(named(name, happen));
}

/** Everything that may happen but the loss of the ring, which is an emergency with laws of its own. */
const events: fc.Arbitrary<Event> = fc.oneof(
  { arbitrary: once('pass', (world) => void world.pass()), weight: 12 },
  {
    arbitrary: oneOf(
      [0, 1, 2, 3, 8, 30, 60],
      (time) => `${time} min`,
      (world, time) => {
        world.advance(time * MINUTE);
      },
    ),
    weight: 10,
  },
  {
    arbitrary: oneOf(
      consumers,
      (name) => `${name} is synced`,
      (world, name) => {
        world.sync(name);
      },
    ),
    weight: 4,
  },
  {
    arbitrary: once('all are synced', (world) => {
      [...world.consumers.keys()].forEach((name) => {
        world.sync(name);
      });
    }),
    weight: 4,
  },
  {
    arbitrary: oneOf(
      consumers,
      (name) => `${name} loses its copy`,
      (world, name) => {
        world.loseCopy(name);
      },
    ),
    weight: 1,
  },
  {
    arbitrary: oneOf(
      consumers,
      (name) => `${name} is gone`,
      (world, name) => {
        world.consumers.delete(name);
      },
    ),
    weight: 1,
  },
  {
    arbitrary: oneOf(
      pods,
      (name) => `the mount of pod ${name} is stuck, or no longer`,
      (world, name) => {
        const pod = world.pods.get(name);
        if (pod) pod.isStuck = !pod.isStuck;
      },
    ),
    weight: 2,
  },
  {
    arbitrary: oneOf(
      pods,
      (name) => `pod ${name} falls silent, or speaks again`,
      (world, name) => {
        const pod = world.pods.get(name);
        if (pod) pod.isSilent = !pod.isSilent;
      },
    ),
    weight: 2,
  },
  {
    arbitrary: oneOf(
      pods,
      (name) => `pod ${name} is gone`,
      (world, name) => {
        world.pods.delete(name);
      },
    ),
    weight: 1,
  },
  {
    arbitrary: oneOf(
      pods,
      (name) => `pod ${name} starts`,
      (world, name) => {
        world.startPod(name);
      },
    ),
    weight: 2,
  },
  {
    arbitrary: oneOf(
      [0, 1],
      (writes) => `crash after ${writes} writes`,
      (world, writes) => void world.pass(writes),
    ),
    weight: 2,
  },
  {
    arbitrary: once('a plan that is behind is performed', (world) => {
      const behind = planSigningKeys(world.observe());
      world.pass();
      world.perform(behind);
    }),
    weight: 1,
  },
  {
    arbitrary: oneOf(
      [0, 10, 90],
      (time) => `suspended for ${time} min`,
      (world, time) => {
        world.suspend = true;
        world.pass();
        world.advance(time * MINUTE);
        world.pass();
        world.suspend = false;
      },
    ),
    weight: 1,
  },
  {
    arbitrary: oneOf(
      [5, 30, 240],
      (ttl) => `accessTokenTTL: ${ttl}m`,
      (world, ttl) => {
        world.change({ accessTokenTtl: ttl * MINUTE });
      },
    ),
    weight: 1,
  },
  {
    arbitrary: oneOf(
      [1, 5, 120],
      (age) => `jwksMaxAge: ${age}m`,
      (world, age) => {
        world.change({ jwksMaxAge: age * MINUTE });
      },
    ),
    weight: 1,
  },
  {
    arbitrary: oneOf(
      ['ES256', 'RS256', 'EdDSA', 'ML-DSA-44'] as const,
      (algorithm) => `algorithm: ${algorithm}`,
      (world, algorithm) => {
        world.change({ algorithm });
      },
    ),
    weight: 1,
  },
);

const loss = once('the ring is lost', (world) => {
  world.loseRing();
});

const revocation = oneOf(
  [0, 1, 2, 3],
  (index) => `the key at ${index} is revoked`,
  (world, index) => {
    // Whoever takes the request back before the key set remembers it may find it not granted.
    if (!world.isRevoking) world.revokeKey = world.kids[index] ?? 'nobodys';
  },
);

const entries = ['A', 'B'];

/** What the owner does to spec.signingKeys.encryption, and to the Secret that it names. */
const custody = fc.oneof(
  oneOf(
    [undefined, ...entries],
    (entry) => `encryption: ${entry ?? 'none'}`,
    (world, entry) => {
      world.custody.wanted = entry;
    },
  ),
  {
    arbitrary: oneOf(
      entries,
      (entry) => `the Secret gets or loses ${entry}`,
      (world, entry) => {
        world.custody.toggle(entry, world.now);
      },
    ),
    weight: 2,
  },
);

const bothKeys = named('the Secret holds both', (world) => {
  world.custody.hold(entries, world.now);
});

const wrappedWithA = named('encryption: A, and every pod has it', (world) => {
  world.custody.wanted = 'A';
  world.advance(3 * MINUTE);
  world.pass();
});

/** Half of clockSkew is what is not waited for. */
const settingOfTheClock = oneOf(
  [0, 20, 30, 31, 600, 5_400, 86_400].flatMap((seconds) => [seconds, -seconds]),
  (seconds) => `the operator's clock is ${seconds} s ahead`,
  (world, seconds) => {
    world.clockAhead = seconds * 1_000;
  },
);

const withAWrongClock = fc.oneof({ arbitrary: events, weight: 10 }, { arbitrary: settingOfTheClock, weight: 1 });

const restoring = fc.oneof(
  once('the ring is backed up', (world) => {
    world.backUpRing();
  }),
  once('a backup of the ring is restored', (world) => {
    world.restoreRing();
  }),
);

function after(history: readonly Event[]): KeyWorld {
  const world = new KeyWorld();
  world.pass();
  world.pass();
  consumers.forEach((name) => {
    world.sync(name);
  });
  for (const { happen } of history) happen(world);
  return world;
}

function heal(world: KeyWorld): void {
  for (const pod of world.pods.values()) Object.assign(pod, { isStuck: false, isSilent: false });
}

/** Everybody is well, and a pass comes whenever the plan asks for one. */
function settle(world: KeyWorld, time: number): void {
  world.suspend = false;
  world.clockAhead = 0;
  heal(world);
  world.verifiers.free();
  world.custody.hold(entries, world.now);
  for (const end = world.now + time; world.now < end;) passAndSleep(world);
}

/** A pass, the copies that follow it, and time until the plan asks for the next one. */
function passAndSleep(world: KeyWorld): void {
  const { recheckAt = Infinity } = world.pass();
  [...world.consumers.keys()].forEach((name) => {
    world.sync(name);
  });
  world.advance(Math.max(1, Math.min(recheckAt, world.now + 30 * MINUTE) - world.now));
}

test('no history of clocks and consumers makes a key sign before every verifier has it, or forgets one whose tokens live', () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 120, size: 'max' }), (history) => {
      expect(after(history).broken).toEqual([]);
    }),
    { numRuns: 250 },
  );
});

test('no key signs that a connected service, or one that may come back, is known to lack', () => {
  const instance = (name: string, happen: (world: KeyWorld, one: string) => void): fc.Arbitrary<Event> =>
    oneOf(instances, (one) => `${one} ${name}`, happen);
  const connects = instance('connects', (world, one) => {
    world.verifiers.connect(one, `shop/${one.split('-')[0] ?? ''}`);
  });
  const sticks = instance('loads no more keys, or does again', (world, one) => {
    world.verifiers.toggleStuck(one);
  });
  const vanishes = instance('vanishes', (world, one) => {
    world.verifiers.vanish(one);
  });
  const goodbye = (stays: boolean): fc.Arbitrary<Event> =>
    oneOf(
      instances.flatMap((one) => pods.map((pod) => ({ one, pod }))),
      ({ one, pod }) => `${one} says goodbye to ${pod} and ${stays ? 'stays' : 'ends'}`,
      (world, { one, pod }) => {
        world.verifiers.sayGoodbye(one, pod, { stays });
      },
    );
  const podGoes = oneOf(
    pods,
    (name) => `pod ${name} is gone`,
    (world, name) => {
      if (world.pods.size > 1) world.pods.delete(name);
    },
  );
  const podFallsSilent = oneOf(
    pods,
    (name) => `pod ${name} falls silent, or speaks again`,
    (world, name) => {
      const pod = world.pods.get(name);
      if (pod) pod.isSilent = !pod.isSilent;
    },
  );
  const podStarts = oneOf(
    pods,
    (name) => `pod ${name} starts`,
    (world, name) => {
      world.startPod(name);
    },
  );
  const histories = fc.array(
    fc.oneof(
      { arbitrary: once('a pass, and then it is slept', passAndSleep), weight: 12 },
      { arbitrary: connects, weight: 2 },
      { arbitrary: sticks, weight: 3 },
      { arbitrary: vanishes, weight: 1 },
      { arbitrary: goodbye(false), weight: 2 },
      { arbitrary: goodbye(true), weight: 4 },
      { arbitrary: podGoes, weight: 3 },
      { arbitrary: podStarts, weight: 2 },
      { arbitrary: podFallsSilent, weight: 1 },
    ),
    { maxLength: 120, size: 'max' },
  );
  let promotions = 0;
  fc.assert(
    fc.property(histories, (history) => {
      const world = after(history);
      expect(world.broken).toEqual([]);
      promotions += world.promotions;
    }),
    { numRuns: 200 },
  );
  // Histories in which nothing is promoted would prove nothing.
  expect(promotions).toBeGreaterThan(200);
});

test('nor does a wrong clock, whether it is ahead or behind, set once or over and over, found out early or late', () => {
  const histories = fc.array(fc.oneof({ arbitrary: events, weight: 10 }, { arbitrary: settingOfTheClock, weight: 1 }), {
    maxLength: 100,
    size: 'max',
  });
  fc.assert(
    fc.property(histories, (history) => {
      const world = after(history);
      settle(world, 3 * 60 * MINUTE);
      expect(world.broken).toEqual([]);
    }),
    { numRuns: 120 },
  );
});

test('no pod uses a longer lifetime that the ring could not note', () => {
  const world = after([]);
  world.change({ jwksMaxAge: 120 * MINUTE });
  world.pass(0);
  world.change({ jwksMaxAge: MINUTE });
  world.advance(3 * MINUTE);
  world.pass(0);
  settle(world, 3 * 60 * MINUTE);
  expect(world.promotions).toBeGreaterThan(1);
  expect(world.broken).toEqual([]);
});

test('while the clocks differ by more than half of clockSkew the keys of the ring stay as they are', () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 40 }), fc.array(events, { maxLength: 40 }), (before, meanwhile) => {
      const world = after(before);
      const stored = world.keysAsStored;
      world.clockAhead = -86_400_000;
      for (const { happen } of meanwhile) happen(world);
      expect(world.keysAsStored).toEqual(stored);
    }),
    { numRuns: 25 },
  );
});

test('a lost ring forgets no key whose tokens live, and one key signs again', () => {
  const histories = fc.array(fc.oneof({ arbitrary: events, weight: 20 }, { arbitrary: loss, weight: 1 }), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(histories, (history) => {
      const world = after(history);
      settle(world, 12 * 60 * MINUTE);
      expect(world.broken).toEqual([]);
      expect(world.activeKey).toBeDefined();
    }),
    { numRuns: 25 },
  );
});

test('once everybody is well, keys rotate on time, whatever came before', () => {
  fc.assert(
    fc.property(fc.array(withAWrongClock, { maxLength: 40 }), (history) => {
      const world = after(history);
      // What was issued under longer lifetimes is waited for, once.
      settle(world, 12 * 60 * MINUTE);
      const { promotions } = world;
      settle(world, 12 * 60 * MINUTE);
      expect(world.promotions - promotions).toBeGreaterThanOrEqual(3);
      expect(world.broken).toEqual([]);
    }),
    { numRuns: 15 },
  );
});

test('a suspended stack asks for no pass before something can have changed by itself', () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 40 }), (history) => {
      const world = after(history);
      world.suspend = true;
      let passes = 0;
      for (const end = world.now + 24 * 60 * MINUTE; world.now < end; passes += 1) {
        const { recheckAt = Infinity } = world.pass();
        expect(recheckAt).toBeGreaterThan(world.now);
        world.advance(Math.min(recheckAt, end) - world.now);
      }
      expect(passes).toBeLessThan(20);
      expect(world.broken).toEqual([]);
    }),
    { numRuns: 15 },
  );
});

test('no revoked key is ever published again, whatever crashes, is lost, restored or changed', () => {
  const histories = fc.array(
    fc.oneof(
      { arbitrary: events, weight: 20 },
      { arbitrary: revocation, weight: 4 },
      { arbitrary: settingOfTheClock, weight: 2 },
      { arbitrary: loss, weight: 1 },
      { arbitrary: restoring, weight: 2 },
    ),
    { maxLength: 100, size: 'max' },
  );
  fc.assert(
    fc.property(histories, (history) => {
      const world = after(history);
      settle(world, 12 * 60 * MINUTE);
      expect(world.resurrected).toEqual([]);
      const held = [...world.kids, ...world.publishedKids, ...world.copiedKids];
      expect(held.filter((kid) => world.revoked.has(kid))).toEqual([]);
      expect(world.activeKey).toBeDefined();
    }),
    { numRuns: 25 },
  );
});

test('a pod that can be asked holds no revoked key three passes later, whether or not its mount is stuck', () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 30 }), fc.nat(2), (history, index) => {
      const world = after(history);
      const kid = world.kids[index];
      fc.pre(kid !== undefined);
      world.revokeKey = kid;
      for (let pass = 0; pass < 3; pass += 1) world.pass();
      const asked = [...world.pods.values()].filter(({ isSilent }) => !isSilent);
      expect(asked.flatMap(({ ring }) => ring?.keys.map((key) => key.kid) ?? [])).not.toContain(kid);
    }),
    { numRuns: 50 },
  );
});

test('a pod that starts on a mount from before the revocation drops the revoked key as well, however long ago that was', () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 20 }), fc.nat(2), (history, index) => {
      const world = after(history);
      const kid = world.kids[index];
      fc.pre(kid !== undefined);
      world.revokeKey = kid;
      settle(world, 4 * 60 * MINUTE);
      world.startPodOnMountWith(kid, 'shop-auth-3');
      expect(world.revoked).toContain(kid);
      const pod = world.pods.get('shop-auth-3');
      world.pass();
      expect(pod?.ring?.keys.map((key) => key.kid) ?? []).not.toContain(kid);
    }),
    { numRuns: 20 },
  );
});

test('of a key that was not revoked no token is refused because another one was', () => {
  const histories = fc.array(fc.oneof({ arbitrary: events, weight: 20 }, { arbitrary: revocation, weight: 3 }), {
    maxLength: 80,
  });
  fc.assert(
    fc.property(histories, (history) => {
      const world = after(history);
      settle(world, 12 * 60 * MINUTE);
      expect(world.broken).toEqual([]);
    }),
    { numRuns: 15 },
  );
});

test('whatever becomes of the wrapping key, all of that holds, nothing is stored plain that is to be wrapped, and every pod can read what is wrapped anew', () => {
  const histories = fc.array(
    fc.oneof(
      { arbitrary: events, weight: 10 },
      { arbitrary: custody, weight: 3 },
      { arbitrary: once('a pass, and then it is slept', passAndSleep), weight: 4 },
      { arbitrary: once('every pod is well', heal), weight: 2 },
      { arbitrary: loss, weight: 1 },
    ),
    { maxLength: 100, size: 'max' },
  );
  let wrapped = 0;
  fc.assert(
    fc.property(histories, (history) => {
      const world = after([bothKeys, ...history]);
      expect(world.broken).toEqual([]);
      wrapped += world.timesRewrapped;
    }),
    { numRuns: 120 },
  );
  // Histories in which nothing is wrapped would prove nothing.
  expect(wrapped).toBeGreaterThan(10);
});

test('once every wrapping key is there, keys are wrapped as the spec asks, stay so unwritten, and rotate on time', () => {
  const histories = fc.array(fc.oneof({ arbitrary: events, weight: 10 }, { arbitrary: custody, weight: 4 }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(histories, (history) => {
      const world = after(history);
      settle(world, 12 * 60 * MINUTE);
      const { promotions, timesRewrapped } = world;
      expect(world.wrappedBy).toEqual(new Set([world.custody.wanted]));
      settle(world, 12 * 60 * MINUTE);
      expect(world.promotions - promotions).toBeGreaterThanOrEqual(3);
      expect(world.timesRewrapped).toBe(timesRewrapped);
      expect(world.broken).toEqual([]);
    }),
    { numRuns: 10 },
  );
});

test('a stolen key is taken away whether or not the wrapping key is there, and one signs again once it is', () => {
  const histories = fc.array(fc.oneof({ arbitrary: events, weight: 15 }, { arbitrary: custody, weight: 2 }, loss), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(histories, fc.subarray(entries), fc.nat(2), (history, left, index) => {
      const world = after([bothKeys, wrappedWithA, ...history]);
      world.custody.hold(left, world.now);
      const kid = world.publishedKids[index];
      fc.pre(kid !== undefined);
      world.revokeKey = kid;
      for (let pass = 0; pass < 3; pass += 1) world.pass();
      expect([...world.kids, ...world.publishedKids]).not.toContain(kid);
      settle(world, 12 * 60 * MINUTE);
      expect(world.activeKey).toBeDefined();
      expect([...world.broken, ...world.resurrected]).toEqual([]);
    }),
    { numRuns: 15 },
  );
});
