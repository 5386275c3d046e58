import type { ConfigMember, MemberState, Observation, ObservedMember } from '@authstack/mongodb-agent/api';
import type { AuthStack } from '../../api/auth-stack.ts';
import type { Pod, Secret, StatefulSet } from '../../runtime/core-kinds.ts';
import { readIdentity } from '../../stored/identity.ts';
import { memberName } from '../members/addresses.ts';
import { lastPrimaryOf, newestPrimary, stateOfPrimary } from '../members/last-primary.ts';
import type { RememberedPrimary } from '../members/last-primary.ts';
import type { LastPrimary, Member, MongodbObservation, SeenUser } from '../members/observation.ts';
import { MONGOD_CONTAINER } from '../objects/pod-template.ts';
import type { PodTemplate } from '../objects/pod-template.ts';
import { MembersModel, hostOf, optimeIn } from './members-model.ts';
import type { Config, Node, SetData } from './members-model.ts';
import { NOW, aStack, claim, images, pod } from './seen.ts';

export type Size = AuthStack['spec']['mongodb']['members'];

/** The objects of one stack and its members, and how they look to the operator. */
export class StackModel extends MembersModel {
  /** What the StatefulSet specifies; absent: there is none. */
  protected set: { readonly replicas: number; readonly template: PodTemplate } | undefined;
  protected readonly spec: { members: Size; hibernate: boolean };
  protected annotations: Record<string, string> = {};
  protected agentVersion = 1;
  protected stackUid = 'stack-1';
  protected identity: Secret | undefined;
  /** What the operator remembers between two looks. */
  protected remembered: RememberedPrimary | undefined;
  protected readonly secrets = { keyfile: 0, root: 0, auth: 0 };

  constructor(members: Size) {
    super();
    this.spec = { members, hibernate: false };
  }

  observe(): MongodbObservation {
    const stack = this.stack();
    const claims = this.nodes.filter(({ claimUid }) => claimUid !== undefined).map(({ ordinal }) => ordinal + 1);
    const count = Math.max(this.spec.members, ...claims);
    const user = (version: number): SeenUser =>
      version === 0 ? { state: 'absent' } : { state: 'present', fingerprint: String(version), isCurrent: true };
    const members = Array.from({ length: count }, (_, ordinal) => this.memberAt(ordinal));
    this.remembered = newestPrimary(members, this.remembered);
    return {
      stack,
      now: NOW,
      images: { ...images, agent: `authstack/mongodb-agent:${this.agentVersion}` },
      identity: readIdentity(stack, this.identity),
      keyfile: { state: this.secrets.keyfile === 0 ? 'absent' : 'present' },
      rootUser: user(this.secrets.root),
      authUser: user(this.secrets.auth),
      unlabelled: [],
      hasAgentCertificate: true,
      members,
      ...(this.remembered && { lastPrimary: this.lastPrimary(this.remembered, members) }),
      ...(this.set && { statefulSet: this.statefulSet(this.set) }),
      storageClass: 'notLooked',
      volumesCanGrow: 'notLooked',
    };
  }

  private lastPrimary(remembered: RememberedPrimary, members: readonly Member[]): LastPrimary {
    const state = stateOfPrimary(remembered, members);
    if (state !== 'unknown') return lastPrimaryOf(remembered, state === 'ended' ? 'mongod' : undefined);
    const isGone = this.nodes.every(({ podUid }) => podUid !== remembered.podUid);
    return lastPrimaryOf(remembered, isGone ? 'pod' : undefined);
  }

  private stack(): AuthStack {
    const { members, hibernate } = this.spec;
    const stack = aStack({ members, mongodb: { hibernate }, annotations: this.annotations });
    return { ...stack, metadata: { ...stack.metadata, uid: this.stackUid } };
  }

  private statefulSet(spec: { readonly replicas: number; readonly template: PodTemplate }): StatefulSet {
    const metadata = { name: 'shop-mongodb', namespace: 'auth', uid: 'set', generation: 1 };
    return { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata, spec, status: { observedGeneration: 1 } };
  }

  private memberAt(ordinal: number): Member {
    const node = this.node(ordinal);
    const { claimUid, podUid, template = '' } = node;
    return {
      ordinal,
      name: memberName(this.stack(), ordinal),
      host: hostOf(node),
      ...(claimUid !== undefined && { claim: claim(ordinal, { uid: claimUid }) }),
      ...(podUid !== undefined && { pod: aPod(node, { podUid, template }) }),
      agent: podUid === undefined || node.isCutOff ? 'unknown' : this.agentOf(node, podUid),
    };
  }

  private agentOf(node: Node, podUid: string): Observation {
    const { marker, set, isFenced = false } = node.disk;
    const marks = {
      ...(marker !== undefined && { pvcUid: marker }),
      ...(set && { replicaSetId: set.id }),
      ...(isFenced && { fenced: true }),
    };
    const isRunning = node.mongod === 'runs';
    return {
      podUid,
      volume: { state: isEmpty(node) ? 'empty' : 'data', ...marks },
      gate: isRunning ? 'released' : 'waiting',
      mongod: isRunning ? { state: 'answers', version: '8.0.3' } : { state: 'down' },
      replicaSet: isRunning ? this.replicaSetOf(node, set) : { state: 'unknown' },
    };
  }

  private replicaSetOf(node: Node, set: SetData | undefined): Observation['replicaSet'] {
    if (!set) return { state: 'notInitialized' };
    const self = this.stateOf(node, set.config);
    return {
      state: 'initialized',
      replicaSetId: set.id,
      self,
      term: set.term,
      optime: optimeIn(set.log),
      config: { version: set.config.version, term: set.term, members: [...set.config.members] },
      members: self === 'REMOVED' ? [] : set.config.members.map((entry) => this.asSeenBy(set, entry)),
      configCommitted: self === 'PRIMARY' && this.isCommitted(set),
    };
  }

  private stateOf(node: Node, config: Config): MemberState {
    if (!config.members.some(({ host }) => host === hostOf(node))) return 'REMOVED';
    return node.isPrimary ? 'PRIMARY' : 'SECONDARY';
  }

  private asSeenBy(set: SetData, { _id, host }: ConfigMember): ObservedMember {
    const node = this.nodeOf(host);
    const own = node && this.living(node);
    const facts = { _id, host, optimeMillis: NOW };
    if (!node || (own ? own.id !== set.id : !node.wasAlive)) {
      return { ...facts, state: node?.mongod === 'runs' ? 'STARTUP2' : 'DOWN', health: 0 };
    }
    const lagSeconds = own ? set.log.filter(({ id }) => !own.log.some((entry) => entry.id === id)).length * 60 : 0;
    return { ...facts, state: node.isPrimary ? 'PRIMARY' : 'SECONDARY', health: 1, lagSeconds };
  }
}

/** What was put on it by a mongod; a marker alone is no data. */
function isEmpty({ disk, mongod }: Node): boolean {
  return !disk.set && mongod !== 'runs';
}

function aPod({ ordinal, isTerminating }: Node, { podUid, template }: { podUid: string; template: string }): Pod {
  const mongod = { name: MONGOD_CONTAINER, ready: true, restartCount: 0, state: { running: {} } };
  const { metadata, ...rest } = pod(ordinal, { podIP: podUid, containerStatuses: [mongod] });
  const ends = isTerminating && { deletionTimestamp: new Date(NOW + 60_000).toISOString() };
  return {
    ...rest,
    metadata: { ...metadata, uid: podUid, annotations: { 'authstack.dev/template': template }, ...ends },
  };
}
