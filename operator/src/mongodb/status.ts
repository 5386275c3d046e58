import { initializedMembers, isVoter, nameOfHost } from './members.ts';
import { membersOf, serves, viewOf } from './serving.ts';
import type { View } from './serving.ts';
import { stateOf } from './step.ts';
import type { Member, MemberStatus, MongodbObservation, MongodbStatus, SeenIdentity } from './types.ts';

export function statusOf(seen: MongodbObservation): MongodbStatus {
  const { members, identity } = seen;
  const view = identity.state === 'founded' ? viewOf(seen, identity) : undefined;
  const count = identity.state === 'founded' ? membersOf(seen, identity) : Infinity;
  const { featureCompatibilityVersion } = (view?.seenBy ?? initializedMembers(members)[0])?.agent.mongod ?? {};
  return {
    mongodb: {
      ...whatWasFounded(identity),
      ...(view && { primary: nameOfHost(view.primaryHost) }),
      ...(featureCompatibilityVersion !== undefined && { featureCompatibilityVersion }),
      members: members.filter(({ ordinal }) => ordinal < count).map((member) => memberStatus(member, view)),
    },
  };
}

function whatWasFounded(identity: SeenIdentity): { replicaSetId?: string; version?: string } {
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

function memberStatus(member: Member, view: View | undefined): MemberStatus {
  const seen = view?.seenBy.set.members.find(({ host }) => host === member.host);
  const lag = seen?.lagSeconds === undefined ? {} : lagOf(seen.lagSeconds);
  return { name: member.name, state: stateOf(member), health: healthOf(member, view), ...lag };
}

function healthOf({ agent, host }: Member, view: View | undefined): MemberStatus['health'] {
  const { members = [], config } = view?.seenBy.set ?? {};
  const seen = members.find((member) => member.host === host);
  if (!seen) return agent === 'unknown' ? 'Unknown' : 'Unhealthy';
  const entry = config?.members.find((member) => member.host === host);
  return serves(seen) && entry !== undefined && isVoter(entry) ? 'Healthy' : 'Unhealthy';
}

/** In steps, so that the usual second of delay does not rewrite the status all day. */
function lagOf(seconds: number): { optimeLagSeconds: number } {
  return { optimeLagSeconds: seconds < 10 ? 0 : Math.round(seconds / 10) * 10 };
}
