import type { ConfigMember, MemberState, Observation, ObservedMember } from '@authstack/mongodb-agent/api';
import type { AuthStack } from '../../api/auth-stack.ts';
import type { Pod, Secret, StatefulSet } from '../../runtime/core-kinds.ts';
import type { KubernetesObject } from '../../runtime/objects.ts';
import { readIdentity } from '../identity.ts';
import { isVoter, memberName } from '../members.ts';
import { planMongodb } from '../plan.ts';
import type { MongodbPlan } from '../plan.ts';
import { annotations } from '../requests.ts';
import { MONGOD_CONTAINER, templateIdOf } from '../stateful-set.ts';
import type { PodTemplate } from '../stateful-set.ts';
import type { Member, MongodbAction, MongodbObservation, ReachedMember, SeenSecret } from '../types.ts';
import { Broken, MembersModel, hostOf } from './members-model.ts';
import type { Config, Node, SetData } from './members-model.ts';
import { NOW, aStack, claim, images, pod } from './seen.ts';

export type Size = AuthStack['spec']['mongodb']['members'];

/**
 * The members of one stack with their volumes, pods and Secrets, and the operator that plans for them. Everything
 * happens in single steps, so that a test can order them as badly as it likes.
 */
export class SetModel extends MembersModel {
  /** What the StatefulSet says; absent: there is none. */
  private set: { readonly replicas: number; readonly template: PodTemplate } | undefined;
  private readonly spec: { members: Size; hibernate: boolean };
  private annotations: Record<string, string> = {};
  private agentVersion = 1;
  private stackUid = 'stack-1';
  /** Nothing has happened since the plan was made. */
  private isFresh = false;
  private identity: Secret | undefined;
  private readonly secrets = { keyfile: 0, root: 0, auth: 0 };
  private planned: MongodbAction[] = [];
  private founded = 0;

  constructor(members: Size) {
    super();
    this.spec = { members, hibernate: false };
  }

  get wanted(): number {
    return this.spec.members;
  }

  /** Hosts of the newest configuration. */
  get membersInSet(): number {
    const configs = this.nodes.flatMap(({ disk }) => (disk.set ? [disk.set.config] : []));
    return configs.sort((a, b) => b.version - a.version)[0]?.members.length ?? 0;
  }

  // What the operator does: it looks, and then acts step by step; in between anything may happen, also its end.

  look(): MongodbPlan {
    const plan = planMongodb(this.observe());
    this.planned = [...plan.actions];
    this.isFresh = true;
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

  resize(members: Size): void {
    this.spec.members = members;
  }

  hibernate(sleeps: boolean): void {
    this.spec.hibernate = sleeps;
  }

  annotate(name: keyof typeof annotations, value: string): void {
    this.annotations = { ...this.annotations, [annotations[name]]: value };
  }

  forgetAnnotations(): void {
    this.annotations = {};
  }

  /** An operator of another version makes other pods. */
  upgradeOperator(): void {
    this.agentVersion += 1;
  }

  /** Kubernetes makes what the StatefulSet asks for, and ends pods that it does not. */
  kubernetes(): void {
    if (!this.set) return;
    const { replicas, template } = this.set;
    for (const { ordinal, isEnding } of this.nodes) if (ordinal >= replicas || isEnding) this.killPod(ordinal);
    for (let ordinal = 0; ordinal < replicas; ordinal++) {
      const node = this.node(ordinal);
      if (node.claimUid === undefined) this.newVolume(node);
      if (node.podUid === undefined) {
        node.podUid = this.uid('pod');
        node.template = templateIdOf(template) ?? '';
      }
      this.agentLooks(node);
    }
  }

  /** The agent lets members with data go by itself. */
  private agentLooks(node: Node): void {
    if (node.podUid !== undefined && node.disk.marker !== undefined && !node.disk.isFenced && node.disk.set) {
      node.mongod = 'runs';
    }
  }

  killPod(ordinal: number): void {
    this.isFresh = false;
    const node = this.nodes[ordinal];
    if (!node) return;
    delete node.podUid;
    Object.assign(node, { mongod: 'held', isPrimary: false, isEnding: false });
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
    this.set = undefined;
    this.planned = [];
    this.annotations = {};
    this.stackUid = this.uid('stack');
  }

  // How it looks from outside.

  observe(): MongodbObservation {
    const stack = this.stack();
    const claims = this.nodes.filter(({ claimUid }) => claimUid !== undefined).map(({ ordinal }) => ordinal + 1);
    const count = Math.max(this.spec.members, ...claims);
    const secret = (version: number): SeenSecret =>
      version === 0 ? { state: 'absent' } : { state: 'present', resourceVersion: String(version) };
    return {
      stack,
      now: NOW,
      images: { ...images, agent: `authstack/mongodb-agent:${this.agentVersion}` },
      identity: readIdentity(stack, this.identity),
      keyfile: secret(this.secrets.keyfile),
      rootUser: secret(this.secrets.root),
      authUser: { ...secret(this.secrets.auth), ...(this.secrets.auth > 0 && { isCurrent: true }) },
      hasAgentCertificate: true,
      members: Array.from({ length: count }, (_, ordinal) => this.memberAt(ordinal)),
      ...(this.set && { statefulSet: this.statefulSet(this.set) }),
      storageClass: 'notLooked',
      volumesCanGrow: 'notLooked',
    };
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

  // What the operator's actions do. False: refused, or nobody answered.

  private perform(action: MongodbAction): boolean {
    if (!('member' in action)) return this.store(action);
    const node = this.called(action.member);
    if (!node) return false;
    if (action.type === 'ensureUsers') return this.takeUsers(node) && this.perform(action.then);
    return this.obey(node, action);
  }

  private obey(
    node: Node,
    action: Exclude<Extract<MongodbAction, { readonly member: ReachedMember }>, { type: 'ensureUsers' }>,
  ): boolean {
    switch (action.type) {
      case 'release':
        return this.release(node, action.pvcUid);
      case 'initiate':
        return this.initiate(node, action.pvcUid);
      case 'reconfigure':
        return this.reconfigure(node, action);
      case 'stepDown':
        return this.stepDown(node);
      case 'fence':
        return this.fence(node, action);
      case 'wipe':
        return this.wipe(node, action.pvcUid);
      case 'recoverKeyfile':
        return node.mongod === 'runs' && this.keep('keyfile');
      case 'raiseCompatibility':
        return node.isPrimary;
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
        return this.remove(action.kind.kind, action.target);
      case 'patch':
      case 'refreshUri':
        return true;
    }
  }

  private remove(kind: string, { name, uid }: { readonly name: string; readonly uid: string }): true {
    const node = this.nodes[Number(name.split('-').at(-1))];
    if (kind === 'Pod' && node?.podUid === uid) this.restart(node);
    if (kind === 'PersistentVolumeClaim' && node?.claimUid === uid) this.removeVolume(node);
    return true;
  }

  private restart(node: Node): void {
    const set = this.living(node);
    if (this.isFresh && set && !node.disk.isFenced) this.checkMajorityWithout(node, set);
    node.isEnding = true;
  }

  /** The pod that uses it goes with it here; it is deleted just after. */
  private removeVolume(node: Node): void {
    if (!this.isSpare(node)) {
      throw new Broken(`the volume of member ${node.ordinal} was deleted, and others lack its data`);
    }
    this.killPod(node.ordinal);
    delete node.claimUid;
    node.disk = {};
  }

  private fence(node: Node, { pvcUid, fenced }: { readonly pvcUid: string; readonly fenced: boolean }): boolean {
    if (node.disk.marker !== undefined && node.disk.marker !== pvcUid) return false;
    node.disk.marker = pvcUid;
    node.disk.isFenced = fenced;
    return true;
  }

  private wipe(node: Node, pvcUid: string): boolean {
    if (!node.disk.isFenced || node.mongod === 'runs' || node.disk.marker !== pvcUid) return false;
    if (!this.isSpare(node)) throw new Broken(`member ${node.ordinal} was wiped, and others lack its data`);
    node.disk = { marker: pvcUid };
    return true;
  }

  private apply(object: KubernetesObject): void {
    if (object.kind === 'StatefulSet') this.set = specOf(object);
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

  private release(node: Node, pvcUid: string): boolean {
    if (node.mongod === 'runs' || node.disk.isFenced) return false;
    if (node.disk.marker !== undefined && node.disk.marker !== pvcUid) return false;
    node.disk.marker = pvcUid;
    node.mongod = 'runs';
    return true;
  }

  private initiate(node: Node, pvcUid: string): boolean {
    if (node.mongod !== 'runs' || node.disk.marker !== pvcUid) return false;
    if (node.disk.set) return true;
    const entry = { _id: 0, host: hostOf(node), votes: 1, priority: 1 } as const;
    node.disk.set = { id: `set-${++this.founded}`, config: { version: 1, members: [entry] }, log: [], term: 1 };
    node.isPrimary = true;
    return true;
  }

  private reconfigure(node: Node, action: Extract<MongodbAction, { type: 'reconfigure' }>): boolean {
    const set = this.living(node);
    if (!set || !node.isPrimary || set.config.version !== action.expectedVersion || !this.isCommitted(set)) {
      return false;
    }
    checkOneVoteChanges(set.config.members, action.members);
    set.config = { version: set.config.version + 1, members: action.members };
    return true;
  }

  private takeUsers(node: Node): boolean {
    const set = this.living(node);
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

/** What was put on it by a mongod; a marker alone is no data. */
function isEmpty({ disk, mongod }: Node): boolean {
  return !disk.set && mongod !== 'runs';
}

function aPod({ ordinal, isEnding }: Node, { podUid, template }: { podUid: string; template: string }): Pod {
  const mongod = { name: MONGOD_CONTAINER, ready: true, restartCount: 0, state: { running: {} } };
  const { metadata, ...rest } = pod(ordinal, { podIP: podUid, containerStatuses: [mongod] });
  const ends = isEnding && { deletionTimestamp: new Date(NOW + 60_000).toISOString() };
  return {
    ...rest,
    metadata: { ...metadata, uid: podUid, annotations: { 'authstack.dev/template': template }, ...ends },
  };
}

function specOf(object: object): { readonly replicas: number; readonly template: PodTemplate } {
  const { spec } = object as { readonly spec: { readonly replicas: number; readonly template: PodTemplate } };
  return { replicas: spec.replicas, template: spec.template };
}

function checkOneVoteChanges(before: readonly ConfigMember[], after: readonly ConfigMember[]): void {
  const key = ({ _id, host }: ConfigMember): string => `${_id} ${host}`;
  const votersOf = (members: readonly ConfigMember[]): readonly string[] => members.filter(isVoter).map(key);
  const [old, fresh] = [votersOf(before), votersOf(after)];
  const changed = [...old.filter((one) => !fresh.includes(one)), ...fresh.filter((one) => !old.includes(one))];
  if (changed.length > 1) throw new Broken(`a reconfiguration changes the votes of ${changed.join(' and ')}`);
}
