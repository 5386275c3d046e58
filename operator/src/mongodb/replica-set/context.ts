import type { ConfigMember } from '@authstack/mongodb-agent/api';
import type { Initiated } from '../../stored/identity.ts';
import type { ReachableMember } from '../members/action.ts';
import { addressOf, primaryOf } from '../members/member.ts';
import type { InitializedMember } from '../members/member.ts';
import type { Member, MongodbObservation } from '../members/observation.ts';
import { versionTarget } from '../objects/version.ts';
import type { VersionTarget } from '../objects/version.ts';
import { topologyOf, unhealthyMembers } from './topology.ts';
import type { Topology, UnhealthyMember } from './topology.ts';

/** What every rule about an initiated replica set looks at; built once in a pass. */
export interface ReplicaSetContext {
  /** Its members are those that are in the set, or are to be. */
  readonly seen: MongodbObservation;
  readonly identity: Initiated;
  /** They left the set, and their volumes or pods still exist. */
  readonly formerMembers: readonly Member[];
  /** Absent: no member sees a primary. */
  readonly topology?: Topology;
  /** Absent topology: none is known to be. */
  readonly unhealthy: readonly UnhealthyMember[];
  readonly target: VersionTarget;
}

export function replicaSetContext(all: MongodbObservation, identity: Initiated): ReplicaSetContext {
  const count = memberCount(all, identity);
  const seen = { ...all, members: all.members.filter(({ ordinal }) => ordinal < count) };
  const topology = topologyOf(seen, identity);
  const unhealthy = topology ? unhealthyMembers(seen, topology) : [];
  return {
    seen,
    identity,
    formerMembers: all.members.filter(({ ordinal }) => ordinal >= count),
    ...(topology && { topology }),
    unhealthy,
    target: versionTarget(seen, identity, { isComplete: topology !== undefined && unhealthy.length === 0 }),
  };
}

/** Those that are to be in the set, and those that still are. */
export function memberCount({ stack }: MongodbObservation, identity: Initiated): number {
  return Math.max(stack.spec.mongodb.members, identity.members);
}

/** The set has a primary that takes commands, and a majority has committed its last change. */
export interface CommandableSet extends ReplicaSetContext {
  readonly primary: InitializedMember;
  readonly primaryAddress: ReachableMember;
  readonly config: { readonly version: number; readonly members: readonly ConfigMember[] };
}

export function commandable(context: ReplicaSetContext): CommandableSet | undefined {
  const primary = primaryOf(context.seen.members);
  const primaryAddress = primary && addressOf(primary);
  if (!primary || !primaryAddress || !primary.set.configCommitted) return undefined;
  return { ...context, primary, primaryAddress, config: primary.set.config };
}
