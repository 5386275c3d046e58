import type { SeenIdentity } from '../../stored/identity.ts';
import { nameOfHost } from '../members/addresses.ts';
import { initializedMembers, isVoter, stateOf } from '../members/member.ts';
import type { Member, MongodbObservation } from '../members/observation.ts';
import { memberCount } from './context.ts';
import { isHealthy, topologyOf } from './topology.ts';
import type { Topology } from './topology.ts';

/** Each field is stated in each pass: what is undefined is removed. */
export interface MongodbStatus {
  readonly mongodb: {
    readonly replicaSetId: string | undefined;
    readonly primary: string | undefined;
    readonly version: string | undefined;
    readonly featureCompatibilityVersion: string | undefined;
    readonly members: readonly MemberStatus[];
  };
}

export interface MemberStatus {
  readonly name: string;
  readonly state: string;
  readonly health: 'Healthy' | 'Unhealthy' | 'Unknown';
  readonly optimeLagSeconds: number | undefined;
}

export function statusOf(seen: MongodbObservation): MongodbStatus {
  const { stack, members, identity } = seen;
  const topology = identity.state === 'initiated' ? topologyOf(seen, identity) : undefined;
  const count = identity.state === 'initiated' ? memberCount(seen, identity) : Infinity;
  const reporter = topology?.reporter ?? initializedMembers(members)[0];
  return {
    mongodb: {
      ...identityStatus(identity),
      primary: topology && nameOfHost(stack, topology.primaryHost),
      featureCompatibilityVersion: reporter?.agent.mongod.featureCompatibilityVersion,
      members: members.filter(({ ordinal }) => ordinal < count).map((member) => memberStatus(member, topology)),
    },
  };
}

function identityStatus(identity: SeenIdentity): Pick<MongodbStatus['mongodb'], 'replicaSetId' | 'version'> {
  switch (identity.state) {
    case 'initiated':
      return { replicaSetId: identity.replicaSetId, version: identity.version };
    case 'initiating':
      return { replicaSetId: undefined, version: identity.version };
    case 'absent':
    case 'foreign':
    case 'malformed':
      return { replicaSetId: undefined, version: undefined };
  }
}

function memberStatus(member: Member, topology: Topology | undefined): MemberStatus {
  const seen = topology?.reporter.set.members.find(({ host }) => host === member.host);
  return {
    name: member.name,
    state: stateOf(member),
    health: healthOf(member, topology),
    optimeLagSeconds: seen?.lagSeconds === undefined ? undefined : inSteps(seen.lagSeconds),
  };
}

function healthOf({ agent, host }: Member, topology: Topology | undefined): MemberStatus['health'] {
  const { members = [], config } = topology?.reporter.set ?? {};
  const seen = members.find((member) => member.host === host);
  if (!seen) return agent === 'unknown' ? 'Unknown' : 'Unhealthy';
  const entry = config?.members.find((member) => member.host === host);
  return isHealthy(seen) && entry !== undefined && isVoter(entry) ? 'Healthy' : 'Unhealthy';
}

/** So that the usual second of delay does not rewrite the status all day. */
function inSteps(seconds: number): number {
  return seconds < 10 ? 0 : Math.round(seconds / 10) * 10;
}
