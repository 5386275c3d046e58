import type { SeenIdentity } from '../../stored/identity.ts';
import { initializedMembers, isVoter, nameOfHost } from '../members/member.ts';
import type { Member, MemberStatus, MongodbObservation, MongodbStatus } from '../members/types.ts';
import { stateOf } from '../members/verdict.ts';
import { memberCount } from './context.ts';
import { isHealthy, topologyOf } from './topology.ts';
import type { Topology } from './topology.ts';

export function statusOf(seen: MongodbObservation): MongodbStatus {
  const { members, identity } = seen;
  const topology = identity.state === 'founded' ? topologyOf(seen, identity) : undefined;
  const count = identity.state === 'founded' ? memberCount(seen, identity) : Infinity;
  const { featureCompatibilityVersion } = (topology?.reporter ?? initializedMembers(members)[0])?.agent.mongod ?? {};
  return {
    mongodb: {
      ...replicaSetFacts(identity),
      ...(topology && { primary: nameOfHost(topology.primaryHost) }),
      ...(featureCompatibilityVersion !== undefined && { featureCompatibilityVersion }),
      members: members.filter(({ ordinal }) => ordinal < count).map((member) => memberStatus(member, topology)),
    },
  };
}

function replicaSetFacts(identity: SeenIdentity): { replicaSetId?: string; version?: string } {
  switch (identity.state) {
    case 'founded':
      return { replicaSetId: identity.replicaSetId, version: identity.version };
    case 'founding':
      return { version: identity.version };
    case 'absent':
    case 'foreign':
    case 'malformed':
      return {};
  }
}

function memberStatus(member: Member, topology: Topology | undefined): MemberStatus {
  const seen = topology?.reporter.set.members.find(({ host }) => host === member.host);
  const lag = seen?.lagSeconds === undefined ? {} : lagOf(seen.lagSeconds);
  return { name: member.name, state: stateOf(member), health: healthOf(member, topology), ...lag };
}

function healthOf({ agent, host }: Member, topology: Topology | undefined): MemberStatus['health'] {
  const { members = [], config } = topology?.reporter.set ?? {};
  const seen = members.find((member) => member.host === host);
  if (!seen) return agent === 'unknown' ? 'Unknown' : 'Unhealthy';
  const entry = config?.members.find((member) => member.host === host);
  return isHealthy(seen) && entry !== undefined && isVoter(entry) ? 'Healthy' : 'Unhealthy';
}

/** In steps, so that the usual second of delay does not rewrite the status all day. */
function lagOf(seconds: number): { optimeLagSeconds: number } {
  return { optimeLagSeconds: seconds < 10 ? 0 : Math.round(seconds / 10) * 10 };
}
