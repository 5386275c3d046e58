import type { ConfigMember } from '@authstack/mongodb-agent/api';
import { isKubernetesAction } from '../../runtime/cluster.ts';
import type { KubernetesAction } from '../../runtime/cluster.ts';
import type { Secret } from '../../runtime/core-kinds.ts';
import type { KubernetesObject } from '../../runtime/objects.ts';
import type { MongodbAction, ReachableMember } from '../members/action.ts';
import { isVoter } from '../members/member.ts';
import { annotations } from '../members/requests.ts';
import { templateIdOf } from '../objects/pod-template.ts';
import type { PodTemplate } from '../objects/pod-template.ts';
import { planMongodb } from '../plan.ts';
import type { MongodbPlan } from '../plan.ts';
import { mayEndCatchUp } from '../../../../services/mongodb-agent/src/mongod/catch-up.ts';
import { successionOf } from '../../../../services/mongodb-agent/src/mongod/succession.ts';
import { Broken, hostOf, isAtLeastAsNew, isElectable } from './members-model.ts';
import type { Node } from './members-model.ts';
import { NOW } from './seen.ts';
import { StackModel } from './stack-model.ts';
import type { Size } from './stack-model.ts';

type Standing = Extract<MongodbAction, { readonly type: 'standForElection' }>;
type Command = Exclude<Extract<MongodbAction, { readonly member: ReachableMember }>, Standing>;

/** What is tried in the model; a mutant of any shows that the laws notice it. */
interface Parts {
  readonly plan: typeof planMongodb;
  readonly mayEndCatchUp: typeof mayEndCatchUp;
  readonly successionOf: typeof successionOf;
}

/**
 * The members of one stack with their volumes, pods and Secrets, and the operator that plans for them. Everything
 * happens in single steps, so that a test can order them as badly as it likes.
 */
export class SetModel extends StackModel {
  /** Elections that a member won because the operator had it stand. */
  assisted = 0;
  /** Primaries that another one replaced before they ended. */
  handedOver = 0;
  private readonly parts: Parts;
  /** Nothing has happened since the plan was made. */
  private isFresh = false;
  private planned: MongodbAction[] = [];
  private initiated = 0;

  constructor(members: Size, parts: Partial<Parts> = {}) {
    super(members);
    this.parts = { plan: planMongodb, mayEndCatchUp, successionOf, ...parts };
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
    const plan = this.parts.plan(this.observe());
    for (const action of plan.actions) if (action.type === 'standForElection') this.checkAssistance(action);
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
    this.remembered = undefined;
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
    for (const { ordinal, isTerminating } of this.nodes) {
      if (ordinal >= replicas || isTerminating) this.stopPod(ordinal);
    }
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

  /** Its hook has the agent hand over before mongod is told to end. */
  private stopPod(ordinal: number): void {
    const node = this.nodes[ordinal];
    if (node?.isPrimary && this.handOver(node, this.parts.successionOf)) this.handedOver += 1;
    this.killPod(ordinal);
  }

  /** At once. */
  killPod(ordinal: number): void {
    this.isFresh = false;
    const node = this.nodes[ordinal];
    if (!node) return;
    delete node.podUid;
    Object.assign(node, { mongod: 'held', isPrimary: false, isTerminating: false });
  }

  /** Its pod and the agent in it stay. */
  killMongod(ordinal: number): void {
    this.isFresh = false;
    const node = this.nodes[ordinal];
    if (node?.mongod === 'runs') Object.assign(node, { mongod: 'held', isPrimary: false });
  }

  /** Deleted as people and drains do it: Terminating until it has ended. */
  endPod(ordinal: number): void {
    this.isFresh = false;
    const node = this.nodes[ordinal];
    if (node?.podUid !== undefined) node.isTerminating = true;
  }

  /** The budget of disruptions lets one go at a time. */
  evict(ordinal: number): void {
    const isAway = ({ mongod, isTerminating }: Node): boolean => mongod !== 'runs' || isTerminating;
    if (!this.nodes.some(isAway)) this.endPod(ordinal);
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

  // What the operator's actions do. False: refused, or nobody answered.

  private perform(action: MongodbAction): boolean {
    if (!('member' in action)) return this.store(action);
    const node = this.called(action.member);
    if (!node) return false;
    return action.type === 'standForElection' ? this.standOnCommand(node, action) : this.obey(node, action);
  }

  private obey(node: Node, action: Command): boolean {
    if (action.type === 'recoverKeyfile') return this.recoverKeyfile(node);
    if (action.type === 'raiseCompatibility') return node.isPrimary;
    switch (action.type) {
      case 'release':
        return this.release(node, action.pvcUid);
      case 'initiate':
        return this.initiate(node, action.pvcUid);
      case 'reconfigure':
        return this.reconfigure(node, action);
      case 'stepDown':
        return this.handOver(node, this.parts.successionOf);
      case 'fence':
        return this.fence(node, action);
      case 'wipe':
        return this.wipe(node, action.pvcUid);
      case 'ensureUsers':
        return this.takeUsers(node);
    }
  }

  /** What mongod would refuse too: the voters tell a candidate of an older term that there is a newer one. */
  private standOnCommand(node: Node, { term, ended }: Standing): boolean {
    const set = this.living(node);
    if (!set || node.isPrimary || set.term !== term) return true;
    const isOutOfDate = this.members(set.id).some((other) => (this.living(other)?.term ?? 0) > term);
    if (isOutOfDate || !this.standForElection(node.ordinal)) return true;
    this.assisted += 1;
    this.catchUp(node, ended, this.parts.mayEndCatchUp);
    return true;
  }

  /** Whoever was primary in this term must not run any more, and nobody that is reached may be ahead of the candidate. */
  private checkAssistance({ member, term }: Standing): void {
    const running = this.nodes.find((node) => node.isPrimary && node.mongod === 'runs' && node.disk.set?.term === term);
    if (running) throw new Broken(`an election is called, and member ${running.ordinal} still runs as primary`);
    const candidate = this.called(member);
    const own = candidate && this.living(candidate);
    const ahead = this.nodes.find((node) => {
      const set = node.isPrimary || node.isTerminating ? undefined : this.living(node);
      return own && set?.id === own.id && isElectable(node, own) && !isAtLeastAsNew(own.log, set.log);
    });
    if (ahead) throw new Broken(`${member.name} is to stand for election, and member ${ahead.ordinal} is ahead of it`);
  }

  private recoverKeyfile(node: Node): boolean {
    return node.mongod === 'runs' && this.keep('keyfile');
  }

  /** What goes to the API server. */
  private store(action: Exclude<MongodbAction, { readonly member: ReachableMember }>): boolean {
    if (isKubernetesAction(action)) return this.applyWrite(action);
    switch (action.type) {
      case 'createKeyfile':
        return this.keep('keyfile');
      case 'createRootUser':
        return this.keep('root');
      case 'createAuthUser':
        return this.keep('auth');
      case 'refreshUri':
        return true;
    }
  }

  private applyWrite(action: KubernetesAction): boolean {
    switch (action.type) {
      case 'apply':
        this.apply(action.object);
        return true;
      case 'create':
        return action.kind.kind === 'Secret' ? this.createIdentity(action.object) : this.createClaim(action.object);
      case 'replace':
        return this.replaceIdentity(action.object);
      case 'delete':
        return this.remove(action.kind.kind, action.target);
      case 'patch':
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
    node.isTerminating = true;
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

  private called({ ip }: ReachableMember): Node | undefined {
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

  /** The set would count on one that is about to end. */
  private checkNewVotersStay(before: readonly ConfigMember[], after: readonly ConfigMember[]): void {
    for (const { host } of after.filter(isVoter)) {
      const votedBefore = before.some((entry) => entry.host === host && isVoter(entry));
      if (!votedBefore && this.nodeOf(host)?.isTerminating) throw new Broken(`${host} gets a vote, and its pod ends`);
    }
  }

  private release(node: Node, pvcUid: string): boolean {
    if (node.mongod === 'runs' || node.disk.isFenced) return false;
    if (node.disk.marker !== undefined && node.disk.marker !== pvcUid) return false;
    if (this.isFresh && node.isTerminating) {
      throw new Broken(`mongod of member ${node.ordinal} was let go in a pod that ends`);
    }
    node.disk.marker = pvcUid;
    node.mongod = 'runs';
    return true;
  }

  private initiate(node: Node, pvcUid: string): boolean {
    if (node.mongod !== 'runs' || node.disk.marker !== pvcUid) return false;
    if (node.disk.set) return true;
    const entry = { _id: 0, host: hostOf(node), votes: 1, priority: 1 } as const;
    node.disk.set = { id: `set-${++this.initiated}`, config: { version: 1, members: [entry] }, log: [], term: 1 };
    node.isPrimary = true;
    return true;
  }

  private reconfigure(node: Node, action: Extract<MongodbAction, { type: 'reconfigure' }>): boolean {
    const set = this.living(node);
    if (!set || !node.isPrimary || set.config.version !== action.expectedVersion || !this.isCommitted(set)) {
      return false;
    }
    checkOneVoteChanges(set.config.members, action.members);
    if (this.isFresh) this.checkNewVotersStay(set.config.members, action.members);
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
