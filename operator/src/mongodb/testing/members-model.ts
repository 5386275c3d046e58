import type { ConfigMember, Optime } from '@authstack/mongodb-agent/api';
import type { mayEndCatchUp, Voter } from '../../../../services/mongodb-agent/src/mongod/catch-up.ts';
import type { Fellow, Leaving, successionOf } from '../../../../services/mongodb-agent/src/mongod/succession.ts';
import { isVoter } from '../members/member.ts';
import { majorityOf } from '../replica-set/topology.ts';
import { host } from './seen.ts';

/** A write in an oplog; the database is nothing but its oplog here. */
interface Entry {
  readonly id: number;
  readonly term: number;
}

export interface Config {
  readonly version: number;
  readonly members: readonly ConfigMember[];
}

export interface SetData {
  readonly id: string;
  config: Config;
  log: readonly Entry[];
  /** The highest term this member has voted or seen a primary in. */
  term: number;
}

/** What lies on a volume: nothing, a mongod that was started on it, or a member of a set. */
interface Disk {
  marker?: string;
  set?: SetData;
  isFenced?: boolean;
}

export interface Node {
  readonly ordinal: number;
  claimUid?: string;
  disk: Disk;
  /** Of the pod; a new one has a new address. */
  podUid?: string;
  /** Id of the template that the pod was made from. */
  template?: string;
  mongod: 'held' | 'runs';
  isPrimary: boolean;
  /** Neither members nor operator reach it. */
  isCutOff: boolean;
  /** Its replication stands still. */
  isLagging: boolean;
  /** Its pod was asked to end, and its mongod still serves. */
  isTerminating: boolean;
  /** As of the last heartbeat. */
  wasAlive: boolean;
  /** It was away, and no heartbeat has come from it since. */
  isUnheard: boolean;
}

type Succeeding = typeof successionOf;

/** A law that was broken. */
export class Broken extends Error {
  override readonly name: string = 'Broken';
}

/** Elections by majority and newest log, and writes that a majority acknowledges (mongodb.com/docs, "Replica Set Elections"). */
export class MembersModel {
  protected readonly nodes: Node[] = [];
  protected versions = 0;
  private readonly acknowledged = new Map<string, number[]>();
  /** Sets that took the users, and so clients. */
  protected readonly offered = new Set<string>();

  get setsThatTookClients(): number {
    return this.offered.size;
  }

  get writesAcknowledged(): number {
    return [...this.acknowledged.values()].flat().length;
  }

  /** Of any set, and reached. */
  get hasPrimary(): boolean {
    return this.primaries().some(({ isCutOff }) => !isCutOff);
  }

  cutOff(ordinal: number, isCutOff: boolean): void {
    const node = this.nodes[ordinal];
    if (!node) return;
    node.isUnheard ||= isCutOff;
    node.isCutOff = isCutOff;
  }

  lag(ordinal: number, isLagging: boolean): void {
    const node = this.nodes[ordinal];
    if (node) node.isLagging = isLagging;
  }

  /** One member stands for election, as after a time-out of its own; whether it is elected. */
  standForElection(ordinal: number): boolean {
    const candidate = this.nodes[ordinal];
    const set = candidate && this.living(candidate);
    if (!candidate || !set || candidate.isPrimary || !isElectable(candidate, set)) return false;
    const voters = set.config.members.filter(isVoter);
    const term = Math.max(...this.members(set.id).map((node) => node.disk.set?.term ?? 0)) + 1;
    const votes = voters.filter(({ host }) => this.votesFor(candidate, host));
    if (votes.length < majorityOf(voters.length)) return false;
    for (const { host } of votes) {
      const voter = this.nodeOf(host);
      if (!voter) continue;
      voter.isPrimary = false;
      if (voter.disk.set) voter.disk.set.term = term;
    }
    candidate.isPrimary = true;
    this.checkElected(candidate);
    return true;
  }

  /** As members do that hear of no primary; one that is healthy is not unseated. */
  standWithoutPrimary(ordinal: number): void {
    const id = this.nodes[ordinal]?.disk.set?.id;
    const hasPrimary = this.primaries().some((node) => !node.isCutOff && node.disk.set?.id === id);
    if (!hasPrimary) this.standForElection(ordinal);
  }

  /**
   * A primary gives way, as its agent has it do: the others turn to the next primary, which alone replicates from it, and mongod steps
   * down once a majority with a member that can be elected has everything. False where that is not so.
   */
  protected handOver(primary: Node, successionOf: Succeeding): boolean {
    const own = this.living(primary);
    if (!primary.isPrimary || !own) return false;
    const others = this.nodes.filter((node) => node !== primary && this.living(node)?.id === own.id);
    this.turnFollowers({ primary, own, others }, successionOf);
    const voters = own.config.members.filter(isVoter).map(({ host }) => host);
    const caughtUp = others.filter((node) => isAtLeastAsNew(logOf(node), own.log));
    const elected = caughtUp.find((node) => isElectable(node, own));
    const holders = [primary, ...caughtUp].filter((node) => voters.includes(hostOf(node))).length;
    if (!elected || holders < majorityOf(voters.length)) return false;
    primary.isPrimary = false;
    return this.standForElection(elected.ordinal);
  }

  private turnFollowers(
    { primary, own, others }: { readonly primary: Node; readonly own: SetData; readonly others: readonly Node[] },
    successionOf: Succeeding,
  ): void {
    const next = successionOf(this.leavingOf(primary, own));
    const heir = next && this.nodeOf(next.heir);
    const wasBehind = heir !== undefined && isVisiblyBehind(logOf(heir), own.log);
    // There is always something new for whoever shall turn.
    own.log = [...own.log, { id: ++this.versions, term: own.term }];
    if (heir) this.follow(heir, own);
    for (const node of others) {
      const isToTurn = next?.followers.includes(hostOf(node)) === true;
      this.turn(node, { source: isToTurn ? heir?.disk.set : own, own, wasBehind });
    }
  }

  /** mongod takes no source that is behind, and sleeps. One that has only just begun to lag is not known to. */
  private turn(
    node: Node,
    {
      source,
      own,
      wasBehind,
    }: { readonly source: SetData | undefined; readonly own: SetData; readonly wasBehind: boolean },
  ): void {
    const isAhead = source !== undefined && isAtLeastAsNew(source.log, logOf(node));
    if (!isAhead && wasBehind) throw new Broken(`member ${node.ordinal} shall replicate from one that lags`);
    this.follow(node, isAhead ? source : own);
  }

  private leavingOf(primary: Node, { id, config, log }: SetData): Leaving {
    const others = config.members.flatMap(({ host }): readonly Fellow[] => {
      const node = this.nodeOf(host);
      const set = node && this.living(node);
      if (!node || node === primary) return [];
      if (set?.id !== id) return [{ host, isHealthySecondary: false, isPrimary: false }];
      return [{ host, isHealthySecondary: true, isPrimary: false, optime: optimeIn(set.log) }];
    });
    const self = { host: hostOf(primary), isHealthySecondary: false, isPrimary: true, optime: optimeIn(log) };
    return { self, others, config: config.members };
  }

  /** Members take configuration and log of the primary they see; what it does not have is rolled back. */
  replicate(): void {
    for (const node of this.nodes) {
      node.wasAlive = this.living(node) !== undefined;
      if (node.wasAlive) node.isUnheard = false;
    }
    for (const primary of this.primaries()) {
      const source = primary.disk.set;
      if (!source || primary.isCutOff) continue;
      for (const node of this.nodes) if (node !== primary) this.follow(node, source);
    }
  }

  /** A client writes with w: majority; acknowledged once a majority of the voters holds it. */
  write(): void {
    for (const primary of this.primaries()) {
      const set = primary.disk.set;
      if (!set || primary.isCutOff || !this.offered.has(set.id)) continue;
      const entry = { id: ++this.versions, term: set.term };
      set.log = [...set.log, entry];
      this.replicate();
      if (this.holders(set, entry.id) < majorityOf(set.config.members.filter(isVoter).length)) continue;
      this.acknowledged.set(set.id, [...(this.acknowledged.get(set.id) ?? []), entry.id]);
    }
  }

  /** Everything works again. */
  heal(): void {
    for (const node of this.nodes) Object.assign(node, { isCutOff: false, isLagging: false });
  }

  /** A new primary takes what any member that it reaches has on top, before it accepts writes. */
  protected catchUp(primary: Node, ended: string, mayEnd: typeof mayEndCatchUp): void {
    const own = primary.disk.set;
    if (!own) return;
    const reached = own.config.members.flatMap(({ host }) => {
      const node = this.nodeOf(host);
      const set = node && node !== primary ? this.living(node) : undefined;
      return set?.id === own.id ? [set] : [];
    });
    const newest = reached.find(({ log }) => reached.every((other) => isAtLeastAsNew(log, other.log)));
    const isBehind = newest !== undefined && !isAtLeastAsNew(own.log, newest.log);
    if (mayEnd(this.votersOf(primary, own), ended)) {
      if (isBehind) throw new Broken(`member ${primary.ordinal} ended its catch-up, and others have more writes`);
    } else if (isBehind) own.log = newest.log;
  }

  private votersOf(primary: Node, { id, config, log }: SetData): readonly Voter[] {
    return config.members.filter(isVoter).map(({ host }) => {
      const isSelf = host === hostOf(primary);
      const node = this.nodeOf(host);
      const set = node && this.living(node);
      const isReached = set?.id === id;
      return {
        host,
        isSelf,
        isReached,
        isCompared: isReached && node?.isUnheard === false,
        optime: optimeIn(isSelf ? log : (set?.log ?? [])),
      };
    });
  }

  // How a replica set works.

  private votesFor(candidate: Node, host: string): boolean {
    const voter = this.nodeOf(host);
    const asking = candidate.disk.set;
    if (!voter || !asking || voter.isCutOff || candidate.isCutOff || voter.mongod !== 'runs') return false;
    const own = voter.disk.set;
    // Before 5.0 and in an old place, a member without data votes for anybody.
    if (!own) return true;
    if (own.id !== asking.id || own.config.version > asking.config.version) return false;
    return isAtLeastAsNew(asking.log, own.log);
  }

  private follow(node: Node, source: SetData): void {
    if (node.isCutOff || node.mongod !== 'runs') return;
    if (!source.config.members.some(({ host }) => host === hostOf(node))) return;
    if (!node.disk.set) {
      node.disk.set = { ...source };
      return;
    }
    const own = node.disk.set;
    if (own.id !== source.id || own.term > source.term) return;
    Object.assign(own, { config: source.config, term: source.term, ...(!node.isLagging && { log: source.log }) });
    node.isPrimary = false;
  }

  /** In force on a majority of its voters, and so is what was acknowledged before. */
  protected isCommitted({ id, config }: SetData): boolean {
    const voters = config.members.filter(isVoter);
    const promised = this.acknowledged.get(id) ?? [];
    const agree = voters.filter(({ host }) => {
      const node = this.nodeOf(host);
      const own = node && this.living(node);
      const holds = (entry: number): boolean => own?.log.some((one) => one.id === entry) ?? false;
      return own?.id === id && own.config.version >= config.version && promised.every(holds);
    });
    return agree.length >= majorityOf(voters.length);
  }

  private holders({ id, config }: SetData, entry: number): number {
    return config.members.filter(isVoter).filter(({ host }) => {
      const node = this.nodeOf(host);
      const own = node && this.living(node);
      return own?.id === id && own.log.some((one) => one.id === entry);
    }).length;
  }

  private checkElected(primary: Node): void {
    const set = primary.disk.set;
    const lost = (this.acknowledged.get(set?.id ?? '') ?? []).filter((id) => !set?.log.some((one) => one.id === id));
    if (lost.length > 0) throw new Broken(`member ${primary.ordinal} became primary without writes ${lost.join(', ')}`);
  }

  /** Whether losing this disk leaves every acknowledged write on a majority's worth of disks. */
  protected isSpare(node: Node): boolean {
    const set = node.disk.set;
    if (!set) return true;
    const [newest] = this.members(set.id).sort((a, b) => versionOf(b) - versionOf(a));
    const voters = newest?.disk.set?.config.members.filter(isVoter) ?? [];
    const promised = this.acknowledged.get(set.id) ?? [];
    const left = voters.filter(({ host }) => host !== hostOf(node) && this.nodeOf(host)?.disk.set !== undefined);
    const keepsAll = left.some(({ host }) => {
      const log = this.nodeOf(host)?.disk.set?.log ?? [];
      return promised.every((id) => log.some((entry) => entry.id === id));
    });
    return left.length >= majorityOf(voters.length) && keepsAll;
  }

  /** A restart must leave those who serve a majority; a set of one has nobody else. */
  protected checkMajorityWithout(gone: Node, { id, config }: SetData): void {
    const voters = config.members.filter(isVoter);
    if (voters.length < 2 || !voters.some(({ host }) => host === hostOf(gone))) return;
    const left = voters.filter(({ host }) => {
      const node = this.nodeOf(host);
      return node !== undefined && node !== gone && !node.isTerminating && this.living(node)?.id === id;
    });
    if (left.length >= majorityOf(voters.length)) return;
    throw new Broken(
      `member ${gone.ordinal} was restarted, and only ${left.length} of ${voters.length} voters are left`,
    );
  }

  /** The data of a member whose mongod can be reached. */
  protected living(node: Node): SetData | undefined {
    return node.mongod === 'runs' && !node.isCutOff ? node.disk.set : undefined;
  }

  private primaries(): readonly Node[] {
    return this.nodes.filter((node) => node.isPrimary && node.mongod === 'runs');
  }

  protected members(setId: string): Node[] {
    return this.nodes.filter(({ disk }) => disk.set?.id === setId);
  }

  protected nodeOf(host: string): Node | undefined {
    return this.nodes.find((node) => hostOf(node) === host);
  }

  protected node(ordinal: number): Node {
    return (this.nodes[ordinal] ??= {
      ordinal,
      disk: {},
      mongod: 'held',
      isPrimary: false,
      isCutOff: false,
      isLagging: false,
      isTerminating: false,
      wasAlive: false,
      isUnheard: false,
    });
  }
}

export function hostOf({ ordinal }: Node): string {
  return host(ordinal);
}

export function optimeIn(log: readonly Entry[]): Optime {
  const { term, id } = log.at(-1) ?? { term: 0, id: 0 };
  return { term, seconds: id, ordinal: 0 };
}

function versionOf({ disk }: Node): number {
  return disk.set?.config.version ?? 0;
}

export function isAtLeastAsNew(log: readonly Entry[], than: readonly Entry[]): boolean {
  const [a, b] = [log.at(-1), than.at(-1)];
  if (!b) return true;
  return a !== undefined && (a.term > b.term || (a.term === b.term && log.length >= than.length));
}

function logOf({ disk }: Node): readonly Entry[] {
  return disk.set?.log ?? [];
}

/** By what heartbeats tell: less may be on its way. */
function isVisiblyBehind(log: readonly Entry[], than: readonly Entry[]): boolean {
  return optimeIn(than).seconds - optimeIn(log).seconds > 2;
}

export function isElectable(node: Node, { config }: SetData): boolean {
  return config.members.some((entry) => entry.host === hostOf(node) && entry.priority > 0);
}
