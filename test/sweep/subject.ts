import { files } from '@authstack/auth-service/api';
import type { ClientsDocument } from '@authstack/auth-service/api';
import { authConsumerKind } from '../../operator/src/api/auth-consumer.ts';
import type { AuthConsumer } from '../../operator/src/api/auth-consumer.ts';
import { authStackKind } from '../../operator/src/api/auth-stack.ts';
import type { AuthStack } from '../../operator/src/api/auth-stack.ts';
import type { ApiClient, ApiRequest } from '../../operator/src/runtime/client.ts';
import { namesOf } from '../../operator/src/api/names.ts';
import { templateIdOf } from '../../operator/src/mongodb/objects/pod-template.ts';
import {
  namespaceKind,
  persistentVolumeClaimKind,
  podKind,
  secretKind,
  statefulSetKind,
} from '../../operator/src/runtime/core-kinds.ts';
import type { PersistentVolumeClaim, Pod, Secret, StatefulSet } from '../../operator/src/runtime/core-kinds.ts';
import type { Condition, Kind, KubernetesObject, ObjectRef } from '../../operator/src/runtime/objects.ts';
import { collectionPath, objectPath } from '../../operator/src/runtime/paths.ts';
import { RECONNECTED } from '../../operator/src/signing-keys/horizons.ts';
import { unlessMissing } from './pod-status.ts';
import { readState } from './state.ts';
import type { State } from './state.ts';

export const STACK = 'main';
const CONSUMER = 'orders';
const COPY = 'orders-auth';

/** How long a key is published before it signs, as `signingKeys.propagation` below says. */
export const LEAD = 150_000;
export const ROTATION = 20 * 60_000;
/** For how long the next key must be known to be lacked by nobody: RECONNECTED and clockSkew. */
export const ACKNOWLEDGED = RECONNECTED + 30_000;
export const VOLUME_REFRESH = 60_000;
export const CLOCK_SKEW = 30_000;
/** Of a retired key, from its last token to its end. */
export const RETIREMENT = 390_000;

/** One AuthStack with one AuthConsumer in another namespace, as their owners handle them: past the gateway. */
export class Subject {
  readonly namespace: string;
  readonly consumerNamespace: string;
  private readonly client: ApiClient;

  constructor(client: ApiClient, name: string) {
    this.client = client;
    this.namespace = `${name}-auth`;
    this.consumerNamespace = `${name}-shop`;
  }

  async makeNamespaces(): Promise<void> {
    const make = (name: string, labels: object): Promise<unknown> =>
      this.create(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    await make(this.namespace, {});
    await make(this.consumerNamespace, { trusted: 'true' });
  }

  async createStack(members: 1 | 3): Promise<void> {
    const { namespace } = this;
    const { apiVersion, kind } = authStackKind;
    await this.create(authStackKind, { apiVersion, kind, metadata: { name: STACK, namespace }, spec: specOf(members) });
  }

  async createConsumer(): Promise<void> {
    const { apiVersion, kind } = authConsumerKind;
    const metadata = { name: CONSUMER, namespace: this.consumerNamespace };
    const spec = { stackRef: { namespace: this.namespace, name: STACK }, secretName: COPY };
    await this.create(authConsumerKind, { apiVersion, kind, metadata, spec });
  }

  async setMembers(members: 1 | 3): Promise<void> {
    await this.patch(authStackKind, this.stackRef, { spec: { mongodb: { members } } });
  }

  async assistElections(isOn: boolean): Promise<void> {
    await this.patch(authStackKind, this.stackRef, { spec: { mongodb: { assistedElections: isOn } } });
  }

  /** As a drain does. */
  async deletePod(name: string): Promise<void> {
    await this.send({ method: 'DELETE', path: objectPath(podKind, { namespace: this.namespace, name }) });
  }

  async annotate(name: string, value: string): Promise<void> {
    await this.patch(authStackKind, this.stackRef, { metadata: { annotations: { [name]: value } } });
  }

  async limitMemory(memory: string): Promise<void> {
    const spec = { mongodb: { resources: { requests: { cpu: '50m' }, limits: { memory } } } };
    await this.patch(authStackKind, this.stackRef, { spec });
  }

  async resizeVolumes(size: string): Promise<void> {
    await this.patch(authStackKind, this.stackRef, { spec: { mongodb: { storage: { size } } } });
  }

  /** The size of each volume of the database, and last that of the StatefulSet's claim template. */
  async volumes(): Promise<readonly (string | undefined)[]> {
    const path = collectionPath(persistentVolumeClaimKind, this.namespace);
    const { items } = await this.send<{ items: readonly PersistentVolumeClaim[] }>({ method: 'GET', path });
    const ref = { namespace: this.namespace, name: namesOf(STACK).mongodb };
    const set: StatefulSet | undefined = await this.read(statefulSetKind, ref);
    const template = set?.spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.storage;
    return [...items.map(({ status }) => status?.capacity?.storage), template];
  }

  /** Uids of the database's pods. */
  async pods(): Promise<readonly string[]> {
    return (await this.members()).map(({ metadata }) => metadata.uid ?? '');
  }

  /** Which templates the database's pods are of, and its StatefulSet has; several while they restart. */
  async templates(): Promise<readonly (string | undefined)[]> {
    const { namespace } = this;
    const ref = { namespace, name: namesOf(STACK).mongodb };
    const set: StatefulSet | undefined = await this.read(statefulSetKind, ref);
    const pods = await this.members();
    const ids = [...pods, ...(set?.spec?.template ? [set.spec.template] : [])].map(templateIdOf);
    const isTerminating = pods.some(({ metadata }) => metadata.deletionTimestamp !== undefined);
    return [...new Set(isTerminating ? [...ids, 'of a terminating pod'] : ids)];
  }

  /** The content of the database's identity Secret. */
  identity(): Promise<Readonly<Partial<Record<string, string>>>> {
    return this.secret(namesOf(STACK).identity);
  }

  /** Since when no auth pod signs with the retired key, as the key ring has it noted; undefined while one may. */
  async retiredKeyUnusedSince(): Promise<number | undefined> {
    const { [files.keyRing]: text = '{"keys":[]}' } = await this.secret(namesOf(STACK).signingKeys);
    const { keys } = JSON.parse(text) as { readonly keys: readonly { phase: string; signersGoneAt?: number }[] };
    return keys.find(({ phase }) => phase === 'retiring')?.signersGoneAt;
  }

  /** Whether the ring notes that no service lacks the next key. */
  async isNextKeyAcknowledged(): Promise<boolean> {
    const { [files.keyRing]: text = '{"keys":[]}' } = await this.secret(namesOf(STACK).signingKeys);
    const { keys } = JSON.parse(text) as { readonly keys: readonly { acknowledged?: object }[] };
    return keys.some(({ acknowledged }) => acknowledged !== undefined);
  }

  /** Of the ring, the key set and the consumer's copy. */
  async kidsEverywhere(): Promise<readonly string[]> {
    const { signingKeys, jwks } = namesOf(STACK);
    const all = await Promise.all([
      this.secret(signingKeys),
      this.secret(jwks),
      this.secret(COPY, this.consumerNamespace),
    ]);
    return all.flatMap(({ [files.keyRing]: ring, [files.jwks]: set = ring }) => {
      if (set === undefined) return [];
      const { keys } = JSON.parse(set) as { readonly keys: readonly { readonly kid: string }[] };
      return keys.map(({ kid }) => kid);
    });
  }

  /** How far the revocation of the first key that was revoked has come with the consumer. */
  async revokedState(): Promise<string | undefined> {
    const ref = { namespace: this.consumerNamespace, name: CONSUMER };
    const consumer: AuthConsumer | undefined = await this.read(authConsumerKind, ref);
    return consumer?.status?.revokedKeys?.[0]?.state;
  }

  /** As somebody does whose clients' secrets are known to others: all of them are made anew. */
  async deleteClientKey(): Promise<void> {
    const path = objectPath(secretKind, { namespace: this.namespace, name: namesOf(STACK).clientKey });
    await this.send({ method: 'DELETE', path });
  }

  /** What the consumer shows to the auth service. */
  async clientSecret(): Promise<string | undefined> {
    return (await this.secret(COPY, this.consumerNamespace))['client-secret'];
  }

  /** How many client secrets the auth pods accept. */
  async acceptedSecrets(): Promise<number> {
    return (await this.recordedSecrets()).length;
  }

  /** How many of them have no end yet. */
  async lastingSecrets(): Promise<number> {
    return (await this.recordedSecrets()).filter(({ notAfter }) => notAfter === undefined).length;
  }

  private async recordedSecrets(): Promise<readonly { readonly notAfter?: string }[]> {
    const { [files.clients]: text = '{"clients":[]}' } = await this.secret(namesOf(STACK).clients);
    const { clients } = JSON.parse(text) as ClientsDocument;
    return clients.flatMap(({ secrets = [] }) => secrets);
  }

  private async secret(name: string, namespace = this.namespace): Promise<Readonly<Partial<Record<string, string>>>> {
    const secret: Secret | undefined = await this.read(secretKind, { namespace, name });
    return Object.fromEntries(Object.entries(secret?.data ?? {}).map(([key, value]) => [key, atob(value)]));
  }

  private async members(): Promise<readonly Pod[]> {
    const path = collectionPath(podKind, this.namespace);
    const query = { labelSelector: 'app.kubernetes.io/component=mongodb' };
    return (await this.send<{ items: readonly Pod[] }>({ method: 'GET', path, query })).items;
  }

  async trust(isTrusted: boolean): Promise<void> {
    const labels = { trusted: String(isTrusted) };
    await this.patch(namespaceKind, { name: this.consumerNamespace }, { metadata: { labels } });
  }

  async deleteStack(): Promise<void> {
    await this.send({ method: 'DELETE', path: objectPath(authStackKind, this.stackRef) });
  }

  /** Without an operator: its finalizer is removed. */
  async remove(): Promise<void> {
    if (await this.stack()) {
      await this.deleteStack();
      await unlessMissing(this.patch(authStackKind, this.stackRef, { metadata: { finalizers: null } }));
    }
    for (const name of [this.namespace, this.consumerNamespace]) {
      await this.send({ method: 'DELETE', path: objectPath(namespaceKind, { name }) });
    }
  }

  stack(): Promise<AuthStack | undefined> {
    return this.read(authStackKind, this.stackRef);
  }

  copy(): Promise<KubernetesObject | undefined> {
    return this.read(secretKind, { namespace: this.consumerNamespace, name: COPY });
  }

  /** Throws with what is missing unless stack and consumer are ready. */
  async isHealthy(): Promise<void> {
    const stack = await this.stack();
    const ref = { namespace: this.consumerNamespace, name: CONSUMER };
    const consumer: AuthConsumer | undefined = await this.read(authConsumerKind, ref);
    const conditions = [...(stack?.status?.conditions ?? []), ...(consumer?.status?.conditions ?? [])];
    for (const [type, reason] of Object.entries(healthy)) expectReason(conditions, { type, reason });
  }

  state(): Promise<State> {
    const namespaces = { [this.namespace]: '<auth>', [this.consumerNamespace]: '<shop>' };
    return readState({ client: this.client, namespaces });
  }

  private get stackRef(): ObjectRef {
    return { namespace: this.namespace, name: STACK };
  }

  private async create(kind: Kind, body: object): Promise<void> {
    const { namespace } = (body as KubernetesObject).metadata;
    await this.send({ method: 'POST', path: collectionPath(kind, namespace), body });
  }

  private read<T extends KubernetesObject>(kind: Kind<T>, ref: ObjectRef): Promise<T | undefined> {
    return unlessMissing(this.send<T>({ method: 'GET', path: objectPath(kind, ref) }));
  }

  private patch(kind: Kind, ref: ObjectRef, body: object): Promise<unknown> {
    const contentType = 'application/merge-patch+json';
    return this.send({ method: 'PATCH', path: objectPath(kind, ref), body, contentType });
  }

  private send<T>(request: Omit<ApiRequest, 'signal'>): Promise<T> {
    return this.client.send<T>({ ...request, signal: AbortSignal.timeout(20_000) });
  }
}

const healthy: Readonly<Record<string, string>> = {
  Ready: 'AllReady',
  DatabaseReady: 'AllMembersHealthy',
  KeysReady: 'UpToDate',
  AuthReady: 'AllReplicasAvailable',
  Accepted: 'Accepted',
  InSync: 'InSync',
};

function expectReason(
  conditions: readonly Condition[],
  wanted: { readonly type: string; readonly reason: string },
): void {
  const found = conditions.find(({ type }) => type === wanted.type);
  if (found?.reason === wanted.reason) return;
  throw new Error(`${wanted.type} is ${found ? `${found.status}/${found.reason}: ${found.message}` : 'not there'}`);
}

function specOf(members: 1 | 3): object {
  return {
    publicURL: 'https://main.example.com',
    auth: { audience: ['shop'], replicas: 2, accessTokenTTL: '5m', ingress: { className: 'nginx' } },
    mongodb: { members, storage: { size: '1Gi' } },
    signingKeys: {
      rotationInterval: '20m',
      propagation: { jwksMaxAge: '1m', volumeRefresh: '1m', clockSkew: '30s' },
    },
    consumers: { allowedNamespaces: { from: 'Selector', selector: { matchLabels: { trusted: 'true' } } } },
  };
}
