import { expect, test } from '@jest/globals';
import { SetModel } from './testing/set-model.ts';
import fc from 'fast-check';

type Event = (set: SetModel) => void;

const ordinal = fc.integer({ min: 0, max: 4 });
const sizes = [1, 3, 5] as const;

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
  event('killMongod', (set, at) => {
    set.killMongod(at);
  }),
  event('endPod', (set, at) => {
    set.endPod(at);
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
];
/** What people request. */
const requests = [
  event('resize', (set, at) => {
    set.resize(sizes[at % 3] ?? 3);
  }),
  event('resync', (set, at) => {
    set.annotate('resync', String(at));
  }),
  event('replace', (set, at) => {
    set.annotate('replace', String(at));
  }),
  event('fence', (set, at) => {
    set.annotate('fence', String(at));
  }),
  event('remove the annotations', (set) => {
    set.forgetAnnotations();
  }),
  event('upgradeOperator', (set) => {
    set.upgradeOperator();
  }),
  event('hibernate', (set) => {
    set.hibernate(true);
  }),
  event('wake', (set) => {
    set.hibernate(false);
  }),
];

const histories = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.oneof(...operator) },
    { weight: 6, arbitrary: fc.oneof(...life) },
    { weight: 2, arbitrary: fc.oneof(...faults) },
    { weight: 1, arbitrary: fc.oneof(...requests) },
  ),
  { minLength: 20, maxLength: 120 },
);

/** A whole pass of the operator. */
function pass(set: SetModel): void {
  const { length } = set.look().actions;
  for (let step = 0; step < length; step++) set.act();
}

const MAX_TURNS = 150;

/** Everything works for a while, and nobody holds anything back; answers the database's condition in the end. */
function settle(set: SetModel): string {
  set.heal();
  set.hibernate(false);
  let ready = '';
  for (let turn = 0; turn < MAX_TURNS && ready !== 'True/AllMembersHealthy'; turn++) {
    const { conditions, actions } = set.look();
    const [condition] = conditions;
    // As its message says.
    if (condition?.reason === 'AdoptionRefused') set.resize(sizes.find((size) => size >= set.membersInSet) ?? 5);
    if (condition?.reason === 'RequestInvalid' || turn === MAX_TURNS / 3) set.forgetAnnotations();
    pass(set);
    set.kubernetes();
    set.replicate();
    for (const at of [0, 1, 2, 3, 4]) set.standWithoutPrimary(at);
    set.replicate();
    set.write();
    ready = actions.every(({ type }) => type === 'apply')
      ? `${condition?.status ?? ''}/${condition?.reason ?? ''}`
      : '';
  }
  return ready;
}

const grown = fc.constantFrom(...sizes);

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
    { numRuns: 250 },
  );
  expect(acknowledged).toBeGreaterThan(400);
});

test('whatever happened while it was initiated, it is initiated once and becomes complete', () => {
  fc.assert(
    fc.property(grown, histories, (members, history) => {
      const set = new SetModel(members);
      for (const happens of history) happens(set);
      expect(settle(set)).toBe('True/AllMembersHealthy');
      expect(set.setsThatTookClients).toBe(1);
      expect(set.membersInSet).toBe(set.wanted);
    }),
    { numRuns: 250 },
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

test('a primary whose mongod ended is replaced at once, whatever else happens, and no acknowledged write is lost', () => {
  const meanwhile = fc.array(fc.oneof(...operator, ...life, ...faults), { maxLength: 6 });
  const roles = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 });
  let assisted = 0;
  fc.assert(
    fc.property(roles, meanwhile, meanwhile, ([primary = 0, behind = 1, hidden = 2], before, after) => {
      const set = new SetModel(5);
      settle(set);
      set.standForElection(primary);
      set.look();
      set.lag(behind, true);
      set.write();
      set.cutOff(hidden, true);
      set.killMongod(primary);
      for (const happens of [...before, pass, ...after]) happens(set);
      assisted += set.assisted;

      expect(settle(set)).toBe('True/AllMembersHealthy');
      expect(set.writesAcknowledged).toBeGreaterThan(0);
    }),
    { numRuns: 100 },
  );
  expect(assisted).toBeGreaterThan(20);
});

test('while pods are drained and restarted one at a time, each write is acknowledged', () => {
  const steps = fc.oneof(
    fc.constantFrom<Event>(pass, pass, kubernetes, (set) => {
      set.replicate();
    }),
    event('evict', (set, at) => {
      set.evict(at);
    }),
  );
  const rollingUpdate = event('upgradeOperator', (set) => {
    set.upgradeOperator();
  });
  const history = fc.array(fc.oneof({ weight: 10, arbitrary: steps }, { weight: 1, arbitrary: rollingUpdate }), {
    minLength: 20,
    maxLength: 50,
  });
  let handedOver = 0;
  fc.assert(
    fc.property(fc.constantFrom<3 | 5>(3, 5), ordinal, history, (members, behind, events) => {
      const set = new SetModel(members);
      settle(set);
      // With one more away, five have a majority all the same.
      if (members === 5) set.lag(behind, true);
      for (const happens of events) {
        happens(set);
        const before = set.writesAcknowledged;
        set.write();
        expect(set.writesAcknowledged).toBe(before + 1);
      }
      handedOver += set.handedOver;
      expect(settle(set)).toBe('True/AllMembersHealthy');
    }),
    { numRuns: 50 },
  );
  expect(handedOver).toBeGreaterThan(10);
});

/** Rarely met by chance: the pod of a newcomer is deleted between its first start and its vote. */
test('a Terminating member is neither started nor given a vote, and joins with the next one', () => {
  const newcomers = fc.constantFrom(1, 2).map((at): Event => (set) => {
    set.endPod(at);
  });
  const replicate: Event = (set) => {
    set.replicate();
  };
  const steps = fc.constantFrom<Event>(pass, pass, kubernetes, replicate);
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 5, arbitrary: steps }, newcomers), { maxLength: 40 }), (history) => {
      const set = new SetModel(1);
      settle(set);
      set.resize(3);
      for (const happens of history) happens(set);
      expect(settle(set)).toBe('True/AllMembersHealthy');
    }),
    { numRuns: 100 },
  );
});

function kubernetes(set: SetModel): void {
  set.kubernetes();
}
