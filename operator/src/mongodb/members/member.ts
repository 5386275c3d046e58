import { replicaSetName } from '@authstack/mongodb-agent/gate-script';
import type { ConfigMember, Observation } from '@authstack/mongodb-agent/api';
import type { AuthStack } from '../../api/auth-stack.ts';
import { namesOf, namespaceOf } from '../../api/names.ts';
import type { Target } from '../../runtime/cluster.ts';
import type { PersistentVolumeClaim } from '../../runtime/core-kinds.ts';
import type { KubernetesObject } from '../../runtime/objects.ts';
import type { Member, ReachableMember } from './types.ts';

export const MONGOD_PORT = 27_017;

export function memberName(stack: AuthStack, ordinal: number): string {
  return `${namesOf(stack.metadata.name).mongodb}-${ordinal}`;
}

export function memberHost(stack: AuthStack, ordinal: number): string {
  const service = namesOf(stack.metadata.name).mongodb;
  return `${memberName(stack, ordinal)}.${service}.${namespaceOf(stack)}.svc:${MONGOD_PORT}`;
}

/** `shop-mongodb-0` of `shop-mongodb-0.shop-mongodb.auth.svc:27017`. */
export function nameOfHost(host: string): string {
  return host.split('.')[0] ?? host;
}

/** 2 of `shop-mongodb-2.shop-mongodb.auth.svc:27017`; NaN for a host that is not one of ours. */
export function ordinalOfHost(host: string): number {
  return Number(/-(\d+)$/.exec(nameOfHost(host))?.[1]);
}

export function claimName(stack: AuthStack, ordinal: number): string {
  return `data-${memberName(stack, ordinal)}`;
}

/** What clients of ours connect with (mongodb.com/docs, "Connection String Options"). */
export function connectionUri(
  stack: AuthStack,
  { username, password }: { username: string; password: string },
): string {
  const hosts = Array.from({ length: stack.spec.mongodb.members }, (_, ordinal) => memberHost(stack, ordinal));
  const options = `replicaSet=${replicaSetName}&authSource=admin&w=majority&retryWrites=true`;
  return `mongodb://${username}:${password}@${hosts.join(',')}/auth?${options}`;
}

type Initialized = Extract<Observation['replicaSet'], { state: 'initialized' }>;

/** A member whose agent answered. */
export interface AnsweringMember extends Member {
  readonly agent: Observation;
}

/** A member that says which set it belongs to. */
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

/** Its pod was asked to go, and its mongod goes with it, now or when the grace period is over. */
export function isTerminating({ pod }: Member): boolean {
  return pod?.metadata.deletionTimestamp !== undefined;
}

/** Asked to go: it is gone as soon as no pod uses it. */
export function isTerminatingClaim(claim: PersistentVolumeClaim | undefined): boolean {
  return claim?.metadata.deletionTimestamp !== undefined;
}

/** Of an object that the API server has, and of no later one of its name. */
export function targetOf({ metadata }: KubernetesObject): Target {
  const { name, namespace = '', uid = '' } = metadata;
  return { name, namespace, uid };
}
