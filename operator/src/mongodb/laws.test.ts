import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SetModel } from './testing/set-model.ts';

type Event = (set: SetModel) => void;

const ordinal = fc.integer({ min: 0, max: 2 });

/** Named, so that a failure reads as a story. */
function event(name: string, does: (set: SetModel, ordinal: number) => void): fc.Arbitrary<Event> {
  return ordinal.map((at) =>
    Object.defineProperty(
      (set: SetModel) => {
        does(set, at);
      },
      fc.toStringMethod,
      { value: () => `${name}(${at})` },
    ),
  );
}

const operator = [
  event('look', (set) => set.look()),
  event('act', (set) => {
    set.act();
  }),
  event('pass', pass),
  event('crash', (set) => {
    set.crash();
  }),
];
const life = [
  event('kubernetes', (set) => {
    set.kubernetes();
  }),
  event('write', (set) => {
    set.write();
  }),
  event('replicate', (set) => {
    set.replicate();
  }),
  event('election', (set, at) => {
    set.standForElection(at);
  }),
];
const faults = [
  event('killPod', (set, at) => {
    set.killPod(at);
  }),
  event('killAllPods', (set) => {
    set.killAllPods();
  }),
  event('loseVolume', (set, at) => {
    set.loseVolume(at);
  }),
  event('loseIdentity', (set) => {
    set.loseIdentity();
  }),
  event('deleteStack', (set) => {
    set.deleteStack();
  }),
  event('cutOff', (set, at) => {
    set.cutOff(at, true);
  }),
  event('reconnect', (set, at) => {
    set.cutOff(at, false);
  }),
  event('lag', (set, at) => {
    set.lag(at, true);
  }),
  event('catchUp', (set, at) => {
    set.lag(at, false);
  }),
  event('grow', (set) => {
    set.grow();
  }),
];

const histories = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.oneof(...operator) },
    { weight: 6, arbitrary: fc.oneof(...life) },
    { weight: 2, arbitrary: fc.oneof(...faults) },
  ),
  { minLength: 20, maxLength: 120 },
);

/** A whole pass of the operator. */
function pass(set: SetModel): void {
  const { length } = set.look().actions;
  for (let step = 0; step < length; step++) set.act();
}

/** Everything works for a while; answers the database's condition in the end. */
function settle(set: SetModel): string {
  set.heal();
  let ready = '';
  for (let turn = 0; turn < 30; turn++) {
    const [condition] = set.look().conditions;
    ready = `${condition?.status ?? ''}/${condition?.reason ?? ''}`;
    pass(set);
    set.kubernetes();
    set.replicate();
    for (const at of [0, 1, 2]) set.standForElection(at);
    set.replicate();
    set.write();
  }
  return ready;
}

const grown = fc.constantFrom<1 | 3>(1, 3);

test('no history loses an acknowledged write, offers two sets to clients, or changes two votes at once', () => {
  let acknowledged = 0;
  fc.assert(
    fc.property(grown, histories, (members, history) => {
      const set = new SetModel(members);
      settle(set);
      for (const happens of history) happens(set);
      settle(set);
      acknowledged += set.writesAcknowledged;
      expect(set.setsThatTookClients).toBe(1);
    }),
    { numRuns: 400 },
  );
  expect(acknowledged).toBeGreaterThan(400);
});

test('whatever happened while it was founded, it is founded once and gets whole', () => {
  fc.assert(
    fc.property(grown, histories, (members, history) => {
      const set = new SetModel(members);
      for (const happens of history) happens(set);
      expect(settle(set)).toBe('True/AllMembersHealthy');
      expect(set.setsThatTookClients).toBe(1);
    }),
    { numRuns: 400 },
  );
});

/** Rarely met by chance: the wiped member and the one that lags are a majority, and neither has the last write. */
test('a member that lost its disk never elects one that lags, whenever the primary dies', () => {
  const meanwhile = fc.array(fc.oneof(...operator, fc.constant<Event>(kubernetes)), { maxLength: 8 });
  const roles = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });
  fc.assert(
    fc.property(roles, meanwhile, meanwhile, ([primary = 0, wiped = 1, behind = 2], before, after) => {
      const set = new SetModel(3);
      settle(set);
      set.standForElection(primary);
      set.lag(behind, true);
      set.write();

      set.loseVolume(wiped);
      for (const happens of [kubernetes, ...before]) happens(set);
      set.killPod(primary);
      for (const happens of after) happens(set);
      set.standForElection(behind);

      expect(settle(set)).toBe('True/AllMembersHealthy');
      expect(set.writesAcknowledged).toBeGreaterThan(0);
    }),
    { numRuns: 300 },
  );
});

function kubernetes(set: SetModel): void {
  set.kubernetes();
}
