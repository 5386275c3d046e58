import type { ConfigMember, Observation } from '@authstack/mongodb-agent/api';
import type { Target } from '../../runtime/cluster.ts';
import type { PersistentVolumeClaim } from '../../runtime/core-kinds.ts';
import type { KubernetesObject, ObjectRef } from '../../runtime/objects.ts';
import type { ReachableMember } from './action.ts';
import type { Member } from './observation.ts';

type Initialized = Extract<Observation['replicaSet'], { state: 'initialized' }>;

/** A member whose agent answered. */
export interface AnsweringMember extends Member {
  readonly agent: Observation;
}

/** A member that reports which replica set it belongs to. */
export interface InitializedMember extends AnsweringMember {
  readonly set: Initialized;
}

export function isAnswering(member: Member): member is AnsweringMember {
  return member.agent !== 'unknown';
}

export function initializedMembers(members: readonly Member[]): readonly InitializedMember[] {
  return members.filter(isAnswering).flatMap((member) => {
    const set = member.agent.replicaSet;
    return set.state === 'initialized' ? [{ ...member, set }] : [];
  });
}

/** The primary with the newest term: an old one that has not noticed yet believes in itself as well. */
export function primaryOf(members: readonly Member[]): InitializedMember | undefined {
  return initializedMembers(members)
    .filter(({ set }) => set.self === 'PRIMARY')
    .sort((a, b) => b.set.config.term - a.set.config.term || a.ordinal - b.ordinal)[0];
}

/** An empty volume behind a closed gate: mongod has never run on it. */
export function isHeldEmpty(member: Member): member is AnsweringMember {
  return isAnswering(member) && member.agent.volume.state === 'empty' && member.agent.gate === 'waiting';
}

/** Nothing starts on its volume as long as that lasts. */
export function isFenced({ agent }: Member): boolean {
  return agent !== 'unknown' && agent.volume.fenced === true;
}

export function addressOf({ name, host, pod }: Member): ReachableMember | undefined {
  const ip = pod?.status?.podIP;
  return ip === undefined ? undefined : { name, host, ip };
}

export function isVoter({ votes }: ConfigMember): boolean {
  return votes === 1;
}

/** Its pod is being deleted, and its mongod ends with it, now or when the grace period is over. */
export function isTerminating({ pod }: Member): boolean {
  return pod?.metadata.deletionTimestamp !== undefined;
}

/** Gone as soon as no pod uses it. */
export function isTerminatingClaim(claim: PersistentVolumeClaim | undefined): boolean {
  return claim?.metadata.deletionTimestamp !== undefined;
}

/** Of an object that the API server has, and of no later one of its name. */
export function targetOf({ metadata }: KubernetesObject): Target {
  const { name, namespace = '', uid = '' } = metadata;
  return { name, namespace, uid };
}

/** What actions name the stack by. */
export function stackRef({ metadata: { name, namespace = '' } }: KubernetesObject): ObjectRef {
  return { namespace, name };
}

/** The state of a member, for people. */
export function stateOf(member: Member): string {
  const { agent, pod } = member;
  if (agent === 'unknown') return pod ? 'not reached' : 'no pod';
  if (agent.replicaSet.state === 'initialized') return agent.replicaSet.self;
  if (isFenced(member)) return 'fenced';
  return agent.gate === 'waiting' ? `held, volume ${agent.volume.state}` : `mongod ${agent.mongod.state}`;
}
