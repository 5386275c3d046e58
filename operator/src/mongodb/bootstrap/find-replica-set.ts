import { listed } from '../../runtime/listed.ts';
import { createIdentity } from '../../stored/identity.ts';
import type { Identity } from '../../stored/identity.ts';
import { initializedMembers, isVoter, primaryOf } from '../members/member.ts';
import type { InitializedMember } from '../members/member.ts';
import type { MongodbObservation } from '../members/observation.ts';
import { acting, refusing } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import { majorOf } from '../objects/version.ts';
import { memberCountIn } from '../replica-set/topology.ts';

/** Which replica set the members report. */
export type FoundReplicaSet =
  | { readonly state: 'none' }
  | { readonly state: 'one'; readonly reporter: InitializedMember; readonly identity: Identity }
  | { readonly state: 'several'; readonly verdict: DatabaseVerdict };

export function findReplicaSet(seen: MongodbObservation): FoundReplicaSet {
  const found = initializedMembers(seen.members);
  const reporter = primaryOf(seen.members) ?? found[0];
  if (!reporter) return { state: 'none' };
  if (found.some(({ set }) => set.replicaSetId !== reporter.set.replicaSetId)) {
    const names = listed(found.map(({ name, set }) => `${name} belongs to ${set.replicaSetId}`));
    const message = `The volumes hold different replica sets (${names}). Keep the claims of one and delete the others`;
    return { state: 'several', verdict: refusing('ForeignData', message) };
  }
  const ids = found.flatMap(({ set }) => set.config.members.map(({ _id }) => _id));
  return {
    state: 'one',
    reporter,
    identity: {
      state: 'initiated',
      replicaSetId: reporter.set.replicaSetId,
      version: versionOf(reporter, seen),
      nextMemberId: Math.max(0, ...ids) + 1,
      members: memberCountIn(seen, reporter.set.config),
      ...compatibilityIn(reporter),
      ...{ formed: 0, adoptedBy: adoptedBy(seen), credentials: '', rebuilt: [] },
    },
  };
}

/** A lost identity is recovered from what a member reports. */
export function recoverIdentity(
  seen: MongodbObservation,
  { identity, reporter }: Extract<FoundReplicaSet, { state: 'one' }>,
): DatabaseVerdict {
  const { members } = seen.stack.spec.mongodb;
  // A set that has its votes was offered to people before.
  const isFormed = reporter.set.config.members.filter(isVoter).length >= members;
  const serves = reporter.set.self === 'PRIMARY' && isFormed;
  const message = `The identity of the replica set was lost. Recovering it: ${reporter.name} reports ${reporter.set.replicaSetId}`;
  return acting(serves ? 'True' : 'False', serves ? 'Degraded' : 'Initiating', message, [
    createIdentity(seen.stack, { ...identity, formed: isFormed ? members : 0 }),
  ]);
}

/** Where the identity was lost, what runs decides: spec and default may have changed since. */
function versionOf({ agent }: InitializedMember, { stack, images, identity }: MongodbObservation): string {
  const { version: requested } = stack.spec.mongodb;
  if (identity.state === 'initiating' && requested !== undefined) return requested;
  return majorOf(agent.mongod.version) ?? requested ?? images.defaultVersion;
}

function compatibilityIn({ agent }: InitializedMember): { featureCompatibilityVersion?: string } {
  const { featureCompatibilityVersion } = agent.mongod;
  return featureCompatibilityVersion === undefined ? {} : { featureCompatibilityVersion };
}

/** Recovered, it belongs to nobody yet: the stack has to adopt it as it would any other. */
function adoptedBy({ identity }: MongodbObservation): string {
  return identity.state === 'initiating' ? identity.adoptedBy : '';
}
