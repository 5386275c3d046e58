import type { ConfigMember, MemberState, Observation, ObservedMember } from '@authstack/mongodb-agent/api';
import { authStackSpecSchema } from '../../api/auth-stack.ts';
import type { AuthStack } from '../../api/auth-stack.ts';
import type { PersistentVolumeClaim, Pod } from '../../runtime/core-kinds.ts';
import type { Initiated, Initiating } from '../../stored/identity.ts';
import { claimName, memberHost, memberName } from '../members/addresses.ts';
import type { Member, MongodbImages, MongodbObservation, SeenAgent } from '../members/observation.ts';

export const NOW: number = Date.UTC(2030, 0, 1);
export const SET = '65a000000000000000000001';

export const images: MongodbImages = {
  agent: 'authstack/mongodb-agent:1',
  mongodb: { '6.0': 'mongo:6.0', '8.0': 'mongo:8.0' },
  defaultVersion: '8.0',
  pullPolicy: 'IfNotPresent',
};

export function aStack({
  members = 3,
  mongodb = {},
  annotations = {},
}: {
  members?: AuthStack['spec']['mongodb']['members'];
  mongodb?: object;
  annotations?: Readonly<Record<string, string>>;
} = {}): AuthStack {
  const auth = { audience: ['shop'] };
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name: 'shop', namespace: 'auth', uid: 'stack-1', annotations },
    spec: authStackSpecSchema.parse({
      publicURL: 'https://shop.example.com',
      auth,
      mongodb: { members, ...mongodb },
    }),
  };
}

const shop = aStack();
export const host = (ordinal: number): string => memberHost(shop, ordinal);
export const claimUid = (ordinal: number): string => `claim-${ordinal}`;

export function claim(ordinal: number, change: Partial<PersistentVolumeClaim['metadata']> = {}): PersistentVolumeClaim {
  const metadata = { name: claimName(shop, ordinal), namespace: 'auth', uid: claimUid(ordinal), ...change };
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata, status: { phase: 'Bound' } };
}

export function pod(ordinal: number, status: Pod['status'] = {}): Pod {
  const metadata = { name: memberName(shop, ordinal), namespace: 'auth', uid: `pod-${ordinal}` };
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: {}, status: { podIP: `10.0.0.${ordinal}`, ...status } };
}

/** A member whose volume and pod are there and whose agent reports this. */
export function member(ordinal: number, agent: SeenAgent, change: Partial<Member> = {}): Member {
  const objects = { claim: claim(ordinal), pod: pod(ordinal) };
  return { ordinal, name: memberName(shop, ordinal), host: host(ordinal), ...objects, agent, ...change };
}

/** A member of which nothing exists yet. */
export function noMember(ordinal: number): Member {
  return { ordinal, name: memberName(shop, ordinal), host: host(ordinal), agent: 'unknown' };
}

const base = { podUid: 'pod', replicaSet: { state: 'unknown' }, mongod: { state: 'down' } } as const;

/** An empty volume behind the closed gate. */
export const held: Observation = { ...base, volume: { state: 'empty' }, gate: 'waiting' };

/** Released, and of no set yet. */
export const released = (pvcUid: string): Observation => ({
  ...base,
  volume: { state: 'data', pvcUid },
  gate: 'released',
  mongod: { state: 'answers', version: '8.0.3' },
  replicaSet: { state: 'notInitialized' },
});

/** `[[0, 1], [1, 1], [2, 0]]`: ordinals with their votes; ids are the ordinals unless a third number says otherwise. */
export type Votes = readonly (readonly [ordinal: number, votes: 0 | 1, id?: number])[];

export function configOf(votes: Votes): readonly ConfigMember[] {
  return votes.map(([ordinal, vote, id = ordinal]) => ({ _id: id, host: host(ordinal), votes: vote, priority: vote }));
}

export interface InSet {
  readonly self: MemberState;
  readonly votes: Votes;
  /** States by ordinal where they are not PRIMARY of 0 and SECONDARY of the others; `DOWN` is not reached. */
  readonly states?: Readonly<Record<number, MemberState>>;
  readonly lagSeconds?: number;
  readonly version?: number;
  readonly term?: number;
  /** Time of the last write that it has applied; default 100. */
  readonly appliedSeconds?: number;
  readonly committed?: boolean;
  readonly replicaSetId?: string;
}

export function inSet({ self, votes, states = {}, lagSeconds = 0, ...set }: InSet): Observation {
  const members = configOf(votes).map(({ _id, host: name }, index): ObservedMember => {
    const [ordinal = 0] = votes[index] ?? [];
    const state = states[ordinal] ?? (ordinal === 0 ? 'PRIMARY' : 'SECONDARY');
    const lag = state === 'SECONDARY' ? { lagSeconds } : {};
    return { _id, host: name, state, health: state === 'DOWN' ? 0 : 1, optimeMillis: NOW, ...lag };
  });
  const { appliedSeconds = 100 } = set;
  const { version = 5, term = 1, committed = self === 'PRIMARY', replicaSetId = SET } = set;
  return {
    ...base,
    volume: { state: 'data', pvcUid: 'marked', replicaSetId },
    gate: 'released',
    mongod: { state: 'answers', version: '8.0.3', featureCompatibilityVersion: '8.0' },
    replicaSet: {
      state: 'initialized',
      replicaSetId,
      self,
      term,
      optime: { term, seconds: appliedSeconds, ordinal: 1 },
      config: { version, term, members: [...configOf(votes)] },
      members,
      configCommitted: committed,
    },
  };
}

const stored = {
  ...{ version: '8.0', members: 3, nextMemberId: 1, featureCompatibilityVersion: '8.0' },
  ...{ resourceVersion: '7', createdAt: NOW, adoptedBy: 'stack-1', rebuilt: [] },
};
export const CREDENTIALS = 'root@1 auth@1';

export function initiatingIdentity(change: Partial<Initiating> = {}): Initiating {
  const own = { state: 'initiating', firstClaimUid: claimUid(0), credentials: '', formed: 0 } as const;
  return { ...stored, ...own, ...change };
}

/** Of a set that was complete once. */
export function initiatedIdentity(change: Partial<Initiated> = {}): Initiated {
  const own = { state: 'initiated', replicaSetId: SET, credentials: CREDENTIALS, formed: 3 } as const;
  return { ...stored, ...own, ...change };
}

export const allVote: Votes = [
  [0, 1],
  [1, 1],
  [2, 1],
];

/** Three members that serve, each with its vote. */
export function seen(change: Partial<MongodbObservation> = {}): MongodbObservation {
  const user = { state: 'present', fingerprint: '1', isCurrent: true } as const;
  return {
    stack: shop,
    now: NOW,
    images,
    identity: initiatedIdentity(),
    keyfile: { state: 'present' },
    rootUser: user,
    authUser: user,
    unlabelled: [],
    hasAgentCertificate: true,
    members: [
      member(0, inSet({ self: 'PRIMARY', votes: allVote })),
      member(1, inSet({ self: 'SECONDARY', votes: allVote })),
      member(2, inSet({ self: 'SECONDARY', votes: allVote })),
    ],
    storageClass: 'notLooked',
    volumesCanGrow: 'notLooked',
    ...change,
  };
}
