import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ListeningPod } from '../../operator/src/auth-pods/testing/listening-pod.ts';
import { createApiClient, isApiError } from '../../operator/src/runtime/client.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import { systemClock } from '../../operator/src/runtime/clock.ts';
import { persistentVolumeClaimKind, podKind, secretKind } from '../../operator/src/runtime/core-kinds.ts';
import type { PersistentVolumeClaim, Pod, Secret } from '../../operator/src/runtime/core-kinds.ts';
import { silent } from '../../operator/src/runtime/log.ts';
import type { Kind, KubernetesObject, ObjectRef } from '../../operator/src/runtime/objects.ts';
import { objectPath } from '../../operator/src/runtime/paths.ts';
import { runReflector } from '../../operator/src/runtime/reflector.ts';
import { Store } from '../../operator/src/runtime/store.ts';
import type { ApiServer } from '../support/api-server.ts';
import { startAuthPod } from './auth-pod.ts';
import { startMember } from './member.ts';
import type { Member } from './member.ts';
import { unlessMissing, runningStatus } from './pod-status.ts';

const CHECK_EVERY = 100;

export interface NodeOptions {
  readonly api: ApiServer;
  /** Which addresses its pods get: two nodes that run at the same time need different ones. */
  readonly lane: number;
  readonly now: () => number;
  /** Called with each command that an agent has carried out, and the namespace of its stack. */
  readonly onCommand: (path: string, namespace: string) => void;
}

interface MemberPod extends Pod {
  readonly spec: {
    readonly nodeName?: string;
    readonly hostname?: string;
    readonly subdomain?: string;
    readonly volumes?: readonly {
      readonly name: string;
      readonly persistentVolumeClaim?: { readonly claimName: string };
      readonly secret?: { readonly secretName: string };
    }[];
  };
}

/** What of a pod of the auth service answers. */
interface AuthPod {
  /** Whoever asks whether it is there. */
  readonly probes: ListeningPod;
  /** That, and what the operator asks which keys it has. */
  readonly listeners: AsyncDisposableStack;
}

/**
 * Does for one API server what kubelets, a volume provisioner and a resizer would: claims are bound and grow, pods run, and
 * what is deleted ends. Pods of the database are real agents and real mongods; other pods answer when asked whether they are
 * there and which keys they have, and else only their status is simulated.
 */
export async function startNode(options: NodeOptions): Promise<Node> {
  const folder = await mkdtemp(join(tmpdir(), 'node-'));
  const hosts = join(folder, 'hosts');
  const ofThisMachine = await readFile('/etc/hosts', 'utf8');
  await writeFile(hosts, ofThisMachine);
  return new Node(options, { folder, hosts, ofThisMachine });
}

interface Files {
  readonly folder: string;
  /** What is in /etc/hosts' place for every mongod, and what it begins with. */
  readonly hosts: string;
  readonly ofThisMachine: string;
}

export class Node implements AsyncDisposable {
  private readonly options: NodeOptions;
  private readonly files: Files;
  private readonly client: ApiClient;
  private readonly stop: AbortController = new AbortController();
  private readonly pods: Store<MemberPod> = new Store();
  private readonly claims: Store<PersistentVolumeClaim> = new Store();
  private readonly members: Map<string, Promise<Member>> = new Map();
  private readonly listening: Map<string, AuthPod> = new Map();
  /** Namespaces whose pods, besides those of the database, answer nobody. */
  private readonly hushed: Set<string> = new Set();
  private readonly addresses: Map<string, string> = new Map();
  private readonly names: string[] = [];
  private areResolved: boolean = true;
  private written: Promise<void> = Promise.resolve();
  private readonly work: Set<Promise<void>> = new Set();

  constructor(options: NodeOptions, files: Files) {
    this.options = options;
    this.files = files;
    this.client = createApiClient({ userAgent: 'node', kubeconfig: options.api.kubeconfig });
    this.claims.onChange(({ before, after }) => {
      if (after) this.begin(this.bind(after));
      // A mongod allocates 300 MB of journal ahead; hundreds of runs would fill the disk.
      else if (before) this.begin(rm(this.volumeOf(before), { recursive: true, force: true }));
    });
    this.pods.onChange(({ before, after }) => {
      if (after?.metadata.deletionTimestamp !== undefined) this.begin(this.end(after));
      else if (after && !before) this.begin(this.run(after));
      else if (before && !after) this.begin(this.kill(before));
    });
    this.watch(persistentVolumeClaimKind, this.claims);
    this.watch(podKind, this.pods);
  }

  /** What the members of a namespace that are not ready wrote last. */
  async lastLinesOfUnready(namespace: string): Promise<readonly string[]> {
    const words = this.pods.list({ namespace }).map(async (pod) => {
      const member = await this.members.get(uidOf(pod));
      if (!member || (await member.isReady().catch(() => false))) return [];
      return [`${pod.metadata.name}: ${await member.lastLines()}`];
    });
    return (await Promise.all(words)).flat();
  }

  /** Sends a signal to the mongod of one member. */
  async signalMongod(ref: ObjectRef, signal: NodeJS.Signals): Promise<void> {
    const pod = this.pods.get(ref);
    const member = pod && (await this.members.get(uidOf(pod)));
    if (!member) throw new Error(`${ref.name} does not run`);
    member.signalMongod(signal);
  }

  /** The pods of a namespace that are none of the database. */
  listeners(namespace: string): readonly ListeningPod[] {
    return this.pods.list({ namespace }).flatMap((pod) => this.listenerOf(pod) ?? []);
  }

  /** The objects of those pods, as they are now. */
  podsThatListen(namespace: string): readonly Pod[] {
    return this.pods.list({ namespace }).filter((pod) => this.listenerOf(pod) !== undefined);
  }

  listenerOf(pod: Pod): ListeningPod | undefined {
    return this.listening.get(uidOf(pod))?.probes;
  }

  /** From now on these pods answer nobody, nor do those that start; each of them that is thawed does again. */
  hush(namespace: string): void {
    this.hushed.add(namespace);
    for (const listener of this.listeners(namespace)) listener.freeze();
  }

  /** Pods that start answer. */
  unhush(namespace: string): void {
    this.hushed.delete(namespace);
  }

  /** Whether members find each other by name from now on. */
  resolveNames(areResolved: boolean): Promise<void> {
    return this.inTurn(async () => {
      this.areResolved = areResolved;
      // Not replaced: each mongod has this very file in its mount namespace.
      await writeFile(this.files.hosts, [this.files.ofThisMachine, ...(areResolved ? this.names : [])].join(''));
    });
  }

  /** Ends the members of a namespace at once, without telling the API server. */
  async evict(namespace: string): Promise<void> {
    const gone = this.pods.list({ namespace });
    await Promise.all(gone.map((pod) => this.kill(pod)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await Promise.all(this.work);
    for (const member of this.members.values()) await (await member).kill();
    for (const { listeners } of this.listening.values()) await listeners.disposeAsync();
    await this.client.close();
    await rm(this.files.folder, { recursive: true, force: true });
  }

  private watch<T extends KubernetesObject>(kind: Kind<T>, store: Store<T>): void {
    const options = { client: this.client, kind, store, clock: systemClock, log: silent };
    this.begin(runReflector(options, this.stop.signal, () => undefined));
  }

  private begin(work: Promise<void>): void {
    // A pod that was deleted while it started is no failure.
    const done = work.catch((error: unknown) => {
      if (!this.stop.signal.aborted && !isApiError(error, 404) && !isApiError(error, 409)) throw error;
    });
    this.work.add(done);
    void done.finally(() => this.work.delete(done));
  }

  private async bind(claim: PersistentVolumeClaim): Promise<void> {
    const { storage } = claim.spec?.resources?.requests ?? {};
    if (claim.status?.phase === 'Bound' && claim.status.capacity?.storage === storage) return;
    const status = { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage } };
    await this.patchStatus(persistentVolumeClaimKind, claim, status);
  }

  private async run(pod: MemberPod): Promise<void> {
    const { metadata, spec } = pod;
    if (spec.nodeName === undefined) {
      const target = { apiVersion: 'v1', kind: 'Node', name: 'node' };
      const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name: metadata.name }, target };
      const path = `${objectPath(podKind, metadata)}/binding`;
      await this.client.send({ method: 'POST', path, body, signal: this.stop.signal });
    }
    const address = await this.addressOf(pod);
    const isMember = metadata.labels?.['app.kubernetes.io/component'] === 'mongodb';
    if (isMember) await this.startMember(pod, address);
    else if (this.isThere(pod)) await this.startAuthPod(pod, address);
    const facts = { address, now: this.options.now() };
    await this.patchStatus(podKind, pod, runningStatus(pod, { ...facts, ready: !isMember }));
    const member = this.members.get(uidOf(pod));
    if (!member) return;
    while (!(await (await member).isReady().catch(() => false))) {
      if (!this.isThere(pod)) return;
      await pause(CHECK_EVERY, undefined, { signal: this.stop.signal });
    }
    await this.patchStatus(podKind, pod, runningStatus(pod, { ...facts, ready: true }));
  }

  /** As a kubelet does: not before what the pod mounts is there. */
  private async startMember(pod: MemberPod, address: string): Promise<void> {
    const mounts = await this.mountsOf(pod);
    if (!mounts || !this.isThere(pod)) return;
    const { namespace = '' } = pod.metadata;
    const member = startMember({
      podUid: uidOf(pod),
      address,
      volume: this.volumeOf(mounts.claim),
      folder: join(this.files.folder, 'pods', uidOf(pod)),
      hosts: this.files.hosts,
      secrets: mounts,
      onCommand: (path) => {
        this.options.onCommand(path, namespace);
      },
    });
    this.members.set(uidOf(pod), member);
    await member;
  }

  private async startAuthPod(pod: MemberPod, address: string): Promise<void> {
    const { namespace = '', name } = pod.metadata;
    const mounted = (volume: string) =>
      this.secret(namespace, pod.spec.volumes?.find((one) => one.name === volume)?.secret?.secretName);
    const listeners = new AsyncDisposableStack();
    const probes = listeners.use(await ListeningPod.at(address));
    if (this.hushed.has(namespace)) probes.freeze();
    this.listening.set(uidOf(pod), { probes, listeners });
    const folder = join(this.files.folder, 'pods', uidOf(pod));
    const mounts = async () => ({ keys: await mounted('signing-keys'), tls: await mounted('tls') });
    listeners.use(await startAuthPod({ name, address, folder, mounts }));
  }

  private async mountsOf(
    pod: MemberPod,
  ): Promise<{ claim: PersistentVolumeClaim; keyfile: string; tls: Readonly<Record<string, string>> } | undefined> {
    const { namespace = '' } = pod.metadata;
    const volume = (name: string) => pod.spec.volumes?.find((one) => one.name === name);
    while (this.isThere(pod)) {
      const claim = this.claims.get({ namespace, name: volume('data')?.persistentVolumeClaim?.claimName ?? '' });
      const keyfile = (await this.secret(namespace, volume('keyfile')?.secret?.secretName))?.['keyfile'];
      const tls = await this.secret(namespace, volume('agent-tls')?.secret?.secretName);
      if (claim && keyfile !== undefined && tls) return { claim, keyfile, tls };
      await pause(CHECK_EVERY, undefined, { signal: this.stop.signal });
    }
    return undefined;
  }

  private async secret(namespace: string, name = ''): Promise<Record<string, string> | undefined> {
    const path = objectPath(secretKind, { namespace, name });
    const found = await unlessMissing(this.client.send<Secret>({ method: 'GET', path, signal: this.stop.signal }));
    if (!found) return undefined;
    const entries = Object.entries(found.data ?? {});
    return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]));
  }

  /** The same for a name in a namespace, as DNS leads to a member wherever it runs. */
  private async addressOf({ metadata, spec }: MemberPod): Promise<string> {
    const { namespace = '', name } = metadata;
    const key = `${namespace}/${name}`;
    const known = this.addresses.get(key);
    if (known !== undefined) return known;
    const number = this.addresses.size + 256;
    const address = `127.${10 + this.options.lane}.${(number >> 8) & 255}.${number & 255}`;
    this.addresses.set(key, address);
    const { hostname = name, subdomain } = spec;
    if (subdomain === undefined) return address;
    const line = `${address} ${hostname}.${subdomain}.${namespace}.svc\n`;
    await this.inTurn(async () => {
      this.names.push(line);
      if (this.areResolved) await appendFile(this.files.hosts, line);
    });
    return address;
  }

  private inTurn(write: () => Promise<void>): Promise<void> {
    this.written = this.written.then(write);
    return this.written;
  }

  private async end(pod: MemberPod): Promise<void> {
    await this.kill(pod);
    const body = { gracePeriodSeconds: 0, preconditions: { uid: uidOf(pod) } };
    await this.client.send({
      method: 'DELETE',
      path: objectPath(podKind, pod.metadata),
      body,
      signal: this.stop.signal,
    });
  }

  private async kill(pod: MemberPod): Promise<void> {
    const member = this.members.get(uidOf(pod));
    this.members.delete(uidOf(pod));
    await (await member)?.kill();
    const listener = this.listening.get(uidOf(pod));
    this.listening.delete(uidOf(pod));
    await listener?.listeners.disposeAsync();
  }

  private volumeOf(claim: PersistentVolumeClaim): string {
    return join(this.files.folder, 'volumes', uidOf(claim));
  }

  private isThere(pod: MemberPod): boolean {
    const now = this.pods.get(pod.metadata);
    return now?.metadata.uid === pod.metadata.uid && now?.metadata.deletionTimestamp === undefined;
  }

  private async patchStatus(kind: Kind, { metadata }: KubernetesObject, status: object): Promise<void> {
    const path = `${objectPath(kind, metadata)}/status`;
    const body = { metadata: { uid: metadata.uid }, status };
    const contentType = 'application/merge-patch+json';
    await this.client.send({ method: 'PATCH', path, body, contentType, signal: this.stop.signal });
  }
}

function uidOf({ metadata }: KubernetesObject): string {
  return metadata.uid ?? '';
}
