import { expect, test } from '@jest/globals';
import type { ConfigMember } from '@authstack/mongodb-agent/api';
import { readIdentity } from '../../stored/identity.ts';
import type { Member, MongodbObservation } from '../members/observation.ts';
import { planMongodb } from '../plan.ts';
import {
  aStack,
  allVote,
  configOf,
  inSet,
  initiatedIdentity,
  initiatingIdentity,
  member,
  seen,
} from '../testing/seen.ts';
import { now } from '../testing/summary.ts';
import fc from 'fast-check';

const arbiter: ConfigMember = { _id: 7, host: 'arbiter.example.com:27017', votes: 1, priority: 0 };
const hidden: ConfigMember = { _id: 8, host: '10.1.2.3:27017', votes: 0, priority: 0 };

/** Three healthy members of ours, and others in the configuration. */
function serving(config: readonly ConfigMember[]): Member[] {
  return [0, 1, 2].map((ordinal) => {
    const agent = inSet({ self: ordinal === 0 ? 'PRIMARY' : 'SECONDARY', votes: allVote });
    if (agent.replicaSet.state !== 'initialized') throw new Error('it is');
    const replicaSet = { ...agent.replicaSet, config: { ...agent.replicaSet.config, members: [...config] } };
    return member(ordinal, { ...agent, replicaSet });
  });
}

test('members that the operator did not add are named, and neither counted nor removed', () => {
  const members = serving([...configOf(allVote), arbiter, hidden]);
  expect(now({ members })).toMatchObject({
    ready: 'True/ForeignMembers',
    message: expect.stringContaining('arbiter.example.com:27017, 10.1.2.3:27017'),
    does: [],
  });
  expect(planMongodb(seen({ members })).status.mongodb.members).toHaveLength(3);
});

test('the last of our own members leaves, whatever else is in the configuration, and the others stay there', () => {
  const members = serving([...configOf(allVote), arbiter]);
  const identity = initiatedIdentity({ nextMemberId: 9, formed: 1 });
  expect(now({ members, identity, stack: aStack({ members: 1 }) }).does).toEqual([
    {
      ...{ reconfigure: 'shop-mongodb-0', expectedVersion: 5 },
      members: [...configOf(allVote.slice(0, 2)), arbiter],
    },
  ]);
});

const host = fc.oneof(
  fc.integer({ min: 0, max: 120 }).map((at) => `shop-mongodb-${at}.shop-mongodb.auth.svc:27017`),
  fc.constantFrom('arbiter:27017', '[::1]:27017', 'shop-mongodb-1:27017', 'shop-mongodb-x.shop-mongodb.auth.svc:27017'),
  fc.string(),
);
const config = fc.uniqueArray(
  fc.record({
    _id: fc.integer({ min: 0, max: 255 }),
    host,
    votes: fc.constantFrom(0 as const, 1 as const),
    priority: fc.nat({ max: 1000 }),
  }),
  { maxLength: 12, selector: ({ _id }) => _id },
);
const identities = fc.constantFrom<MongodbObservation['identity']>(
  { state: 'absent' },
  initiatingIdentity(),
  initiatedIdentity(),
  initiatedIdentity({ members: 0, formed: 0 }),
);

test('whatever configuration a member reports, the identity that is written reads back as itself', () => {
  let written = 0;
  fc.assert(
    fc.property(config, identities, (members, identity) => {
      const { stack, ...observed } = seen({ identity, members: serving(members) });
      for (const action of planMongodb({ stack, ...observed }).actions) {
        if (action.type !== 'create' && action.type !== 'replace') continue;
        if (action.object.metadata.name !== 'shop-mongodb-identity') continue;
        written += 1;
        const read = readIdentity(stack, action.object);
        expect(read).toMatchObject({ state: 'initiated' });
        if (read.state === 'initiated') expect(read.members).toBeLessThanOrEqual(50);
      }
    }),
  );
  expect(written).toBeGreaterThan(20);
});
