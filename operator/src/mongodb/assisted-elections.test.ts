import { expect, test } from '@jest/globals';
import { mayEndCatchUp } from '../../../services/mongodb-agent/src/mongod/catch-up.ts';
import { successionOf } from '../../../services/mongodb-agent/src/mongod/succession.ts';
import type { Leaving, Succession } from '../../../services/mongodb-agent/src/mongod/succession.ts';
import type { MongodbAction } from './members/action.ts';
import { targetOf } from './members/member.ts';
import type { MongodbObservation } from './members/observation.ts';
import { planMongodb } from './plan.ts';
import type { MongodbPlan } from './plan.ts';
import { SetModel } from './testing/set-model.ts';

type Parts = NonNullable<ConstructorParameters<typeof SetModel>[1]>;
type Scenario = (set: SetModel) => void;

/** Members of a set that serves, the first of them primary. */
function settled(members: 3 | 5, parts: Parts = {}): SetModel {
  const set = new SetModel(members, parts);
  for (let turn = 0; turn < 60; turn++) {
    pass(set);
    set.kubernetes();
    set.replicate();
  }
  return set;
}

function pass(set: SetModel): void {
  const { length } = set.look().actions;
  for (let step = 0; step < length; step++) set.act();
}

/** The last write is on the first and the last member alone, and neither of them a majority. */
function writeForTwo(set: SetModel, members: 3 | 5): void {
  for (let ordinal = 1; ordinal < members - 1; ordinal++) set.lag(ordinal, true);
  set.write();
}

const aSecondaryLags: Scenario = (set) => {
  writeForTwo(set, 3);
  set.killMongod(0);
  pass(set);
};

const thePrimaryIsSilent: Scenario = (set) => {
  set.cutOff(0, true);
  pass(set);
};

/** It is cut off when the others are looked at, and back when one of them is elected. */
const theMostRecentComesBack: Scenario = (set) => {
  writeForTwo(set, 5);
  set.cutOff(4, true);
  set.killMongod(0);
  const { length } = set.look().actions;
  set.cutOff(4, false);
  for (let step = 0; step < length; step++) set.act();
};

const theOperatorIsNew: Scenario = (set) => {
  set.crash();
  set.killMongod(0);
  pass(set);
};

test.each<[string, 3 | 5, Scenario, number]>([
  ['a secondary that has every write is elected, though another lags', 3, aSecondaryLags, 1],
  ['a primary that is silent stays primary', 3, thePrimaryIsSilent, 0],
  ['one that was unreachable and has more writes is caught up with', 5, theMostRecentComesBack, 1],
  ['an operator that saw no primary yet leaves it to the members', 3, theOperatorIsNew, 0],
])('%s', (...[, members, scenario, assisted]) => {
  const set = settled(members);
  scenario(set);
  expect(set.assisted).toBe(assisted);
});

/** The first in line has not seen the last writes, and the primary's pod is to go. */
const aPrimaryIsDrained: Scenario = (set) => {
  set.lag(1, true);
  for (let write = 0; write < 4; write++) set.write();
  set.evict(0);
  set.kubernetes();
};

const theTemplateChanges: Scenario = (set) => {
  set.upgradeOperator();
  pass(set);
  pass(set);
};

test.each<[string, 3 | 5, Scenario]>([
  ['to the member that has every write, though one before it lags', 3, aPrimaryIsDrained],
  ['to one of those that have every write, though one before them lags', 5, aPrimaryIsDrained],
])('a primary that leaves hands over %s', (...[, members, scenario]) => {
  const set = settled(members);
  scenario(set);
  expect(set.handedOver).toBe(1);
  expect(set.hasPrimary).toBe(true);
});

test.each<[string, 3 | 5, Scenario, Parts, RegExp]>([
  ['acts on silence', 3, thePrimaryIsSilent, { plan: onSilence }, /still runs as primary/],
  ['has a lagging member stand', 3, aSecondaryLags, { plan: theSecondOne }, /is ahead of it/],
  ['ends catch-up too soon', 5, theMostRecentComesBack, { mayEndCatchUp: () => true }, /others have more writes/],
  [
    'ends catch-up before a voter that is reached was compared',
    5,
    theMostRecentComesBack,
    { mayEndCatchUp: withoutWhoeverIsNotCompared },
    /others have more writes/,
  ],
  ['hands over to a member that lags', 3, aPrimaryIsDrained, { successionOf: theFirst }, /from one that lags/],
  ['restarts a second member while the first one is away', 3, theTemplateChanges, { plan: allAtOnce }, /was restarted/],
  ['restarts a second member of five, too', 5, theTemplateChanges, { plan: allAtOnce }, /was restarted/],
])('the model notices an operator that %s', (...[, members, scenario, parts, broken]) => {
  const set = settled(members, parts);
  expect(() => {
    scenario(set);
  }).toThrow(broken);
});

function withoutWhoeverIsNotCompared(...[voters, ended]: Parameters<typeof mayEndCatchUp>): boolean {
  return mayEndCatchUp(
    voters.filter(({ isSelf, isCompared }) => isSelf || isCompared),
    ended,
  );
}

/** Whoever comes first in the configuration. */
function theFirst(leaving: Leaving): Succession | undefined {
  const { optime } = leaving.self;
  const others = leaving.others.map((other) => ({ ...other, ...(optime && { optime }) }));
  return successionOf({ ...leaving, others });
}

/** As if each pass had seen the others healthy, whatever they report. */
function allAtOnce(seen: MongodbObservation): MongodbPlan {
  const plan = planMongodb(seen);
  const restarts = plan.actions.filter(({ type }) => type === 'delete');
  const secondaries = seen.members.filter(({ agent, pod }) => {
    const isSecondary =
      agent !== 'unknown' && agent.replicaSet.state === 'initialized' && agent.replicaSet.self === 'SECONDARY';
    return isSecondary && pod !== undefined;
  });
  const [first] = restarts;
  if (first?.type !== 'delete') return plan;
  const more = secondaries.flatMap(({ pod }) => (pod ? [{ ...first, target: targetOf(pod) }] : []));
  return { ...plan, actions: [...plan.actions, ...more.filter(({ target }) => target.name !== first.target.name)] };
}

function onSilence(seen: MongodbObservation): MongodbPlan {
  const { lastPrimary, members } = seen;
  const isSilent = members.some(({ name, agent }) => name === lastPrimary?.name && agent === 'unknown');
  return planMongodb(lastPrimary && isSilent ? { ...seen, lastPrimary: { ...lastPrimary, ended: 'pod' } } : seen);
}

/** Whoever stands, it is the second member. */
function theSecondOne(seen: MongodbObservation): MongodbPlan {
  const plan = planMongodb(seen);
  const [, second] = seen.members;
  const { name = '', host = '', pod } = second ?? {};
  const member = { name, host, ip: pod?.status?.podIP ?? '' };
  const mutated = (action: MongodbAction): MongodbAction =>
    action.type === 'standForElection' ? { ...action, member } : action;
  return { ...plan, actions: plan.actions.map(mutated) };
}
