import { createIdentity } from '../../stored/identity.ts';
import { initializedMembers, isVoter, primaryOf } from '../members/member.ts';
import type { InitializedMember } from '../members/member.ts';
import type { MongodbObservation } from '../members/types.ts';
import { verdict } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import { majorOf } from '../objects/version.ts';
import { memberCountIn } from '../replica-set/change.ts';

/** Which set the members belong to, in their own words. */
export type FoundReplicaSet =
  | { readonly state: 'none' }
  | { readonly state: 'one'; readonly by: InitializedMember; readonly facts: Readonly<Record<string, string>> }
  | { readonly state: 'several'; readonly step: DatabaseVerdict };

export function findReplicaSet(seen: MongodbObservation): FoundReplicaSet {
  const found = initializedMembers(seen.members);
  const by = primaryOf(seen.members) ?? found[0];
  if (!by) return { state: 'none' };
  if (found.some(({ set }) => set.replicaSetId !== by.set.replicaSetId)) {
    const names = found.map(({ name, set }) => `${name} belongs to ${set.replicaSetId}`).join(', ');
    const message = `the volumes hold different databases (${names}); keep the claims of one set and delete the others`;
    return { state: 'several', step: verdict('False', 'ForeignData', message) };
  }
  const ids = found.flatMap(({ set }) => set.config.members.map(({ _id }) => _id));
  return {
    state: 'one',
    by,
    facts: {
      state: 'founded',
      'replica-set-id': by.set.replicaSetId,
      version: versionOf(by, seen),
      'next-member-id': String(Math.max(0, ...ids) + 1),
      members: String(memberCountIn(by.set.config)),
      'feature-compatibility': by.agent.mongod.featureCompatibilityVersion ?? '',
    },
  };
}

/** An identity that was lost is made again from what a member says. */
export function recoverIdentity(
  seen: MongodbObservation,
  { facts, by }: Extract<FoundReplicaSet, { state: 'one' }>,
): DatabaseVerdict {
  const voters = by.set.config.members.filter(isVoter);
  // A set that has its votes was offered to people before.
  const isComplete = voters.length >= seen.stack.spec.mongodb.members;
  const isHealthy = by.set.self === 'PRIMARY' && isComplete;
  const message = `the identity was lost; ${by.name} says the set is ${by.set.replicaSetId}`;
  return verdict(isHealthy ? 'True' : 'False', isHealthy ? 'Degraded' : 'Founding', message, {
    actions: [createIdentity(seen.stack, { ...facts, ...(isComplete && { formed: 'yes' }) })],
  });
}

/** Where the identity was lost, what runs tells: spec and default may have moved on since. */
function versionOf({ agent }: InitializedMember, { stack, images, identity }: MongodbObservation): string {
  const { version: asked } = stack.spec.mongodb;
  if (identity.state === 'founding' && asked !== undefined) return asked;
  return majorOf(agent.mongod.version) ?? asked ?? images.defaultVersion;
}
