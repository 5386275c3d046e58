import type { ContainerStatus, StatefulSet } from '../../runtime/core-kinds.ts';
import type { Initiated } from '../../stored/identity.ts';
import type { Member, SeenAgent } from '../members/observation.ts';
import { podTemplate, templateIdOf } from '../objects/pod-template.ts';
import type { PodTemplate } from '../objects/pod-template.ts';
import {
  NOW,
  aStack,
  allVote,
  configOf,
  images,
  inSet,
  initiatedIdentity,
  initiatingIdentity,
  member,
  noMember,
  pod,
} from './seen.ts';
import type { InSet, Votes } from './seen.ts';
import type { Change } from './summary.ts';

export const absent = { state: 'absent' } as const;
export const alone: Votes = allVote.slice(0, 1);
export const pair: Votes = allVote.slice(0, 2);
export const five: Votes = [...allVote, [3, 1], [4, 1]];

/** Only the first member has a pod, and its agent reports this. */
export function firstMember(agent: SeenAgent): Change {
  const members = [member(0, agent), noMember(1), noMember(2)];
  return { identity: initiatingIdentity(), rootUser: absent, authUser: absent, members };
}

/** `count` members that vote, the first or another one being primary. */
export function serving(
  count: number,
  { primary = 0, states = {}, ...set }: Partial<InSet> & { primary?: number } = {},
): Member[] {
  const votes = five.slice(0, count);
  const all = { 0: primary === 0 ? 'PRIMARY' : 'SECONDARY', [primary]: 'PRIMARY', ...states } as const;
  return Array.from({ length: count }, (_, ordinal) =>
    member(ordinal, inSet({ self: ordinal === primary ? 'PRIMARY' : 'SECONDARY', votes, ...set, states: all })),
  );
}

export function withAgent(members: readonly Member[], ordinal: number, agent: SeenAgent): Member[] {
  return members.map((one) => (one.ordinal === ordinal ? { ...one, agent } : one));
}

/** The identity of a set that has so many members, and once had all of them, up to three. */
export function recorded(members: number, change: Partial<Initiated> = {}): Initiated {
  return initiatedIdentity({ members, formed: Math.min(members, 3), ...change });
}

export function reconfigure(votes: Votes, by = 0): object {
  return { reconfigure: `shop-mongodb-${by}`, expectedVersion: 5, members: configOf(votes) };
}

export const template: PodTemplate = podTemplate(aStack(), { images, version: '8.0' });
export const current: string | undefined = templateIdOf(template);

export function statefulSet(spec: Partial<StatefulSet['spec']> = {}): StatefulSet {
  const metadata = { name: 'shop-mongodb', namespace: 'auth', uid: 'set', generation: 2 };
  return {
    ...{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata },
    spec: { template, ...spec },
    status: { observedGeneration: 2 },
  };
}

export function ofTemplate(one: Member, id: string | undefined, status: object = {}): Member {
  const { metadata, ...rest } = pod(one.ordinal, status);
  return { ...one, pod: { ...rest, metadata: { ...metadata, annotations: { 'authstack.dev/template': id ?? '' } } } };
}

const running = { containerStatuses: [{ name: 'mongod', ready: true, restartCount: 0, state: { running: {} } }] };

/** Members that run; the pods of these ordinals are of an older template. */
export function outdated(members: readonly Member[], ...ordinals: number[]): Member[] {
  return members.map((one) => ofTemplate(one, ordinals.includes(one.ordinal) ? 'older' : current, running));
}

/** Its pod was deleted, and is there for another minute. */
export function terminating(one: Member): Member {
  const { metadata, ...rest } = pod(one.ordinal);
  const deleted = { deletionTimestamp: new Date(NOW + 60_000).toISOString() };
  return { ...one, pod: { ...rest, metadata: { ...metadata, ...deleted } } };
}

export function fenced(agent: Exclude<SeenAgent, 'unknown'>): SeenAgent {
  return { ...agent, volume: { ...agent.volume, fenced: true } };
}

export function container(status: Partial<ContainerStatus>): ContainerStatus {
  return { name: 'mongod', ready: false, restartCount: 0, ...status };
}
