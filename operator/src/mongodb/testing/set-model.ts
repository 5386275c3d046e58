import type { ConfigMember, MemberState, Observation, ObservedMember } from '@authstack/mongodb-agent/api';
import type { Secret } from '../../runtime/core-kinds.ts';
import type { KubernetesObject } from '../../runtime/objects.ts';
import { readIdentity } from '../identity.ts';
import { isVoter, memberName } from '../members.ts';
import { planMongodb } from '../plan.ts';
import type { MongodbPlan } from '../plan.ts';
import type { Member, MongodbAction, MongodbObservation, ReachedMember, SeenSecret } from '../types.ts';
import { Broken, MembersModel, hostOf } from './members-model.ts';
import type { Config, Node, SetData } from './members-model.ts';
import { NOW, aStack, claim, images, pod } from './seen.ts';

const stacks = { 1: aStack({ members: 1 }), 3: aStack({ members: 3 }) } as const;

/**
 * The members of one stack with their volumes, pods and Secrets, and the operator that plans for them. Everything
 * happens in single steps, so that a test can order them as badly as it likes.
 */
export class SetModel extends MembersModel {
  private replicas = 0;
  private wanted: 1 | 3;
  private identity: Secret | undefined;
  private readonly secrets = { keyfile: 0, root: 0, auth: 0 };
  private planned: MongodbAction[] = [];
  private founded = 0;

  constructor(members: 1 | 3) {
    super();
    this.wanted = members;
  }

  // What the operator does: it looks, and then acts step by step; in between anything may happen, also its end.

  look(): MongodbPlan {
    const plan = planMongodb(this.observe());
    this.planned = [...plan.actions];
    return plan;
  }

  /** One action of the last plan; what it was decided on may be long gone. A refusal ends the pass. */
  act(): void {
    const action = this.planned.shift();
    if (action && !this.perform(action)) this.planned = [];
  }

  crash(): void {
    this.planned = [];
  }

  // What happens to it.

  grow(): void {
    this.wanted = 3;
  }

  /** Kubernetes makes what the StatefulSet asks for. */
  kubernetes(): void {
    for (let ordinal = 0; ordinal < this.replicas; ordinal++) {
      const node = this.node(ordinal);
      if (node.claimUid === undefined) this.newVolume(node);
      node.podUid ??= this.uid('pod');
      // The agent lets members with data go by itself.
      if (node.disk.marker !== undefined) node.mongod = 'runs';
    }
  }

  killPod(ordinal: number): void {
    const node = this.nodes[ordinal];
    if (!node) return;
    delete node.podUid;
    node.mongod = 'held';
    node.isPrimary = false;
  }

  killAllPods(): void {
    for (const { ordinal } of this.nodes) this.killPod(ordinal);
  }

  /** Its claim is deleted with its pod. Refused where a majority of the disks would be lost: that is no promise. */
  loseVolume(ordinal: number): void {
    const node = this.nodes[ordinal];
    if (!node || !this.isSpare(node)) return;
    this.killPod(ordinal);
    delete node.claimUid;
    node.disk = {};
  }

  loseIdentity(): void {
    // Where no member can be asked, nothing is left that remembers.
    if (this.nodes.some((node) => node.disk.set !== undefined)) this.identity = undefined;
  }

  /** The stack is deleted under Retain: pods go, volumes and Secrets stay. */
  deleteStack(): void {
    this.killAllPods();
    this.replicas = 0;
    this.planned = [];
  }

  // How it looks from outside.

  observe(): MongodbObservation {
    const stack = stacks[this.wanted];
    const count = Math.max(this.wanted, this.nodes.filter(({ claimUid }) => claimUid !== undefined).length);
    const secret = (version: number): SeenSecret =>
      version === 0 ? { state: 'absent' } : { state: 'present', resourceVersion: String(version) };
    return {
      stack,
      now: NOW,
      images,
      identity: readIdentity(stack, this.identity),
      keyfile: secret(this.secrets.keyfile),
      rootUser: secret(this.secrets.root),
      authUser: { ...secret(this.secrets.auth), ...(this.secrets.auth > 0 && { isCurrent: true }) },
      hasAgentCertificate: true,
      members: Array.from({ length: count }, (_, ordinal) => this.memberAt(ordinal)),
      storageClass: 'notLooked',
    };
  }

  private memberAt(ordinal: number): Member {
    const node = this.node(ordinal);
    const { claimUid, podUid } = node;
    return {
      ordinal,
      name: memberName(stacks[3], ordinal),
      host: hostOf(node),
      ...(claimUid !== undefined && { claim: claim(ordinal, { uid: claimUid }) }),
      ...(podUid !== undefined && { pod: pod(ordinal, { podIP: podUid }) }),
      agent: podUid === undefined || node.isCutOff ? 'unknown' : this.agentOf(node, podUid),
    };
  }

  private agentOf(node: Node, podUid: string): Observation {
    const { marker, set } = node.disk;
    const marks = { ...(marker !== undefined && { pvcUid: marker }), ...(set && { replicaSetId: set.id }) };
    const isRunning = node.mongod === 'runs';
    return {
      podUid,
      volume: { state: marker === undefined ? 'empty' : 'data', ...marks },
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
    if (!node || own?.id !== set.id) {
      return { ...facts, state: node?.mongod === 'runs' ? 'STARTUP2' : 'DOWN', health: 0 };
    }
    const lagSeconds = set.log.filter(({ id }) => !own.log.some((entry) => entry.id === id)).length * 60;
    return { ...facts, state: node.isPrimary ? 'PRIMARY' : 'SECONDARY', health: 1, lagSeconds };
  }

  // What the operator's actions do. False: refused, or nobody answered.

  private perform(action: MongodbAction): boolean {
    if (!('member' in action)) return this.store(action);
    const node = this.called(action.member);
    switch (action.type) {
      case 'release':
        return this.release(node, action.pvcUid);
      case 'initiate':
        return this.initiate(node, action.pvcUid);
      case 'reconfigure':
        return this.reconfigure(node, action);
      case 'ensureUsers':
        return this.takeUsers(node) && this.perform(action.then);
    }
  }

  /** What goes to the API server. */
  private store(action: Exclude<MongodbAction, { readonly member: ReachedMember }>): boolean {
    switch (action.type) {
      case 'apply':
        this.apply(action.object);
        return true;
      case 'create':
        return action.kind.kind === 'Secret' ? this.createIdentity(action.object) : this.createClaim(action.object);
      case 'replace':
        return this.replaceIdentity(action.object);
      case 'createKeyfile':
        return this.keep('keyfile');
      case 'createUser':
        return this.keep(action.user);
      case 'delete':
      case 'refreshUri':
        return true;
    }
  }

  private apply(object: KubernetesObject): void {
    if (object.kind === 'StatefulSet') this.replicas = replicasOf(object);
  }

  /** Create-only. */
  private keep(secret: 'keyfile' | 'root' | 'auth'): true {
    this.secrets[secret] ||= ++this.versions;
    return true;
  }

  private called({ ip }: ReachedMember): Node | undefined {
    return this.nodes.find(({ podUid, isCutOff }) => podUid === ip && !isCutOff);
  }

  private createIdentity(object: Secret): boolean {
    this.identity ??= this.stored(object);
    return true;
  }

  private replaceIdentity(object: Secret): boolean {
    if (object.metadata.resourceVersion !== this.identity?.metadata.resourceVersion) return false;
    this.identity = this.stored(object);
    return true;
  }

  private stored(object: Secret): Secret {
    const creationTimestamp = new Date(NOW).toISOString();
    return { ...object, metadata: { ...object.metadata, creationTimestamp, resourceVersion: String(++this.versions) } };
  }

  private createClaim({ metadata }: { readonly metadata: { readonly name: string } }): boolean {
    const node = this.node(Number(metadata.name.split('-').at(-1)));
    if (node.claimUid === undefined) this.newVolume(node);
    return true;
  }

  private release(node: Node | undefined, pvcUid: string): boolean {
    if (!node || node.mongod === 'runs') return false;
    if (node.disk.marker !== undefined && node.disk.marker !== pvcUid) return false;
    node.disk.marker = pvcUid;
    node.mongod = 'runs';
    return true;
  }

  private initiate(node: Node | undefined, pvcUid: string): boolean {
    if (node?.mongod !== 'runs' || node.disk.marker !== pvcUid) return false;
    if (node.disk.set) return true;
    const entry = { _id: 0, host: hostOf(node), votes: 1, priority: 1 } as const;
    node.disk.set = { id: `set-${++this.founded}`, config: { version: 1, members: [entry] }, log: [], term: 1 };
    node.isPrimary = true;
    return true;
  }

  private reconfigure(node: Node | undefined, action: Extract<MongodbAction, { type: 'reconfigure' }>): boolean {
    const set = node && this.living(node);
    if (!set || !node.isPrimary || set.config.version !== action.expectedVersion || !this.isCommitted(set)) {
      return false;
    }
    checkOneVoteChanges(set.config.members, action.members);
    set.config = { version: set.config.version + 1, members: action.members };
    return true;
  }

  private takeUsers(node: Node | undefined): boolean {
    const set = node && this.living(node);
    if (!set || !node.isPrimary) return false;
    this.offered.add(set.id);
    if (this.offered.size > 1) throw new Broken(`clients were offered ${[...this.offered].join(' and ')}`);
    return true;
  }

  private newVolume(node: Node): void {
    node.claimUid = this.uid('claim');
    node.disk = {};
  }

  private uid(kind: string): string {
    return `${kind}-${++this.versions}`;
  }
}

function replicasOf(object: object): number {
  return (object as { readonly spec: { readonly replicas: number } }).spec.replicas;
}

function checkOneVoteChanges(before: readonly ConfigMember[], after: readonly ConfigMember[]): void {
  const key = ({ _id, host }: ConfigMember): string => `${_id} ${host}`;
  const votersOf = (members: readonly ConfigMember[]): readonly string[] => members.filter(isVoter).map(key);
  const [old, fresh] = [votersOf(before), votersOf(after)];
  const changed = [...old.filter((one) => !fresh.includes(one)), ...fresh.filter((one) => !old.includes(one))];
  if (changed.length > 1) throw new Broken(`a reconfiguration changes the votes of ${changed.join(' and ')}`);
}
