import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { authStackKind } from '../../operator/src/api/auth-stack.ts';
import type { AuthStack } from '../../operator/src/api/auth-stack.ts';
import { authHostOf, namesOf } from '../../operator/src/api/names.ts';
import { createApiClient } from '../../operator/src/runtime/client.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import { systemClock } from '../../operator/src/runtime/clock.ts';
import { secretKind } from '../../operator/src/runtime/core-kinds.ts';
import type { Secret } from '../../operator/src/runtime/core-kinds.ts';
import { silent } from '../../operator/src/runtime/log.ts';
import { collectionPath, objectPath } from '../../operator/src/runtime/paths.ts';
import { runReflector } from '../../operator/src/runtime/reflector.ts';
import { Store } from '../../operator/src/runtime/store.ts';
import { clientSecretIn, kidsInCopy } from '../../operator/src/stored/consumer-copy.ts';
import { ORIGIN } from '../../services/auth/src/testing/world.ts';
import { auditedRequests, startApiServer } from '../../test/support/api-server.ts';
import type { ApiServer, AuditedRequest } from '../../test/support/api-server.ts';
import { startControllers } from '../../test/support/controllers.ts';
import { startReplicaSet } from '../../test/support/mongod.ts';
import { bundled } from '../image.ts';
import { accountOfOperator, startOperator } from '../operator/operator-process.ts';
import type { OperatorProcess } from '../operator/operator-process.ts';
import { createConsumers, createNamespaces, patchStack, stackRef } from '../operator/seed.ts';
import { startSpectator } from '../operator/spectator.ts';
import type { Spectator } from '../operator/spectator.ts';
import { KeyWatch } from './key-watch.ts';
import { mountOf } from './mounts.ts';
import { parameters } from './parameters.ts';
import { Pods } from './pods.ts';
import type { AuthPod } from './pods.ts';

export const AUDIENCE = 'bench';
const DATABASE = 'database';
const forEver = new AbortController().signal;
const stack = stackRef(0);

/** What a bench of keys works with. */
interface Parts {
  readonly folder: string;
  readonly client: ApiClient;
  readonly spectator: Spectator;
  readonly operator: OperatorProcess;
  readonly pods: readonly AuthPod[];
  readonly keys: KeyWatch;
  readonly secrets: Store<Secret>;
  readonly auditLog: string;
  readonly user: string;
}

/** One stack with its auth pods, and everything that it takes to run them. */
export class World implements AsyncDisposable {
  readonly parts: Parts;
  private readonly resources: AsyncDisposableStack;
  private consumers: number = 0;

  private constructor(parts: Parts, resources: AsyncDisposableStack) {
    this.parts = parts;
    this.resources = resources;
  }

  static async start(): Promise<World> {
    await using resources = new AsyncDisposableStack();
    const parts = await start(resources);
    return new World(parts, resources.move());
  }

  /** The name of the auth service, and where it leads. */
  namesFor(pods: readonly AuthPod[]): Readonly<Record<string, readonly string[]>> {
    return { [authHostOf(stack)]: pods.map(({ address }) => address) };
  }

  /** Until there are so many, each in a namespace of its own, with a copy of the keys and known to the stack. */
  async consumersBecome(count: number): Promise<void> {
    await createConsumers(this.parts.client, { from: this.consumers, to: count });
    this.consumers = count;
    await this.parts.keys.until(`the copies for ${count} consumers`, () => {
      const copies = this.parts.keys.copies();
      return copies.length === count && copies.every((copy) => clientSecretIn(copy) !== undefined);
    });
  }

  /** What a service of that consumer mounts. */
  async mountOfConsumer(index: number): Promise<string> {
    const { secrets } = this.parts;
    const [copy] = this.parts.keys.copies().filter(({ metadata }) => metadata.namespace === `consumer-${index}`);
    if (!copy) throw new Error(`consumer ${index} has no copy`);
    const ref = { namespace: copy.metadata.namespace ?? '', name: copy.metadata.name };
    const mount = await mountOf(ref, { secrets, after: parameters.mountsAfterSeconds * 1000 });
    this.resources.use(mount);
    return mount.directory;
  }

  isEverywhere(kid = ''): boolean {
    return this.parts.keys.copies().every((copy) => kidsInCopy(copy).has(kid));
  }

  patch(spec: object): Promise<void> {
    return patchStack(this.parts.client, stack, spec);
  }

  async annotate(annotations: Readonly<Record<string, string>>): Promise<void> {
    const path = objectPath(authStackKind, stack);
    const contentType = 'application/merge-patch+json';
    await this.parts.client.send({
      method: 'PATCH',
      path,
      body: { metadata: { annotations } },
      contentType,
      signal: forEver,
    });
  }

  status(): AuthStack['status'] {
    return this.parts.spectator.get(authStackKind, stack)?.status;
  }

  /** Of the operator, but for its lease. */
  async writesSince(time: number): Promise<readonly AuditedRequest[]> {
    const { auditLog, user } = this.parts;
    const requests = await auditedRequests(auditLog);
    return requests.filter(
      (request) => request.user.username === user && Date.parse(request.requestReceivedTimestamp) >= time,
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.resources.disposeAsync();
  }
}

async function start(resources: AsyncDisposableStack): Promise<Parts> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-keys-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  const auditLog = join(folder, 'audit.log');
  const [operatorImage, authImage, database, api] = await Promise.all([
    bundled('operator', { folder: join(folder, 'operator') }),
    bundled('auth', { folder: join(folder, 'auth') }),
    startReplicaSet(1),
    startApiServer({ crds: true, auditLog, auditPolicy: writesButLeases }),
  ]);
  resources.use(database);
  resources.use(api);
  resources.use(await startControllers(api, ['deployment-controller', 'replicaset-controller']));
  const client = createApiClient({ userAgent: 'bench', kubeconfig: api.kubeconfig });
  resources.defer(() => client.close());
  const secrets = await watchedSecrets(client, resources);
  const spectator = resources.use(await startSpectator(client));
  const keys = new KeyWatch(secrets, { namespace: stack.namespace, name: namesOf(stack.name).signingKeys });
  const { kubeconfig, user } = await accountOfOperator(api);
  await createStack({ client, api, uri: database.uri });
  const log = join(folder, 'operator.log');
  const running = startOperator({ image: operatorImage, kubeconfig, log });
  const pods = resources.use(
    new Pods({
      ...{ client, secrets, image: authImage, folder: join(folder, 'pods'), namespace: stack.namespace },
      mountsAfter: parameters.mountsAfterSeconds * 1000,
    }),
  );
  const operator = resources.use(await running);
  return { folder, client, spectator, operator, pods: await pods.ready(2), keys, secrets, auditLog, user };
}

async function watchedSecrets(client: ApiClient, resources: AsyncDisposableStack): Promise<Store<Secret>> {
  const store = new Store<Secret>();
  const stop = new AbortController();
  const { promise: synced, resolve } = Promise.withResolvers<undefined>();
  const watched = { client, kind: secretKind, store, clock: systemClock, log: silent };
  const ended = runReflector(watched, stop.signal, () => {
    resolve(undefined);
  });
  resources.defer(async () => {
    stop.abort();
    await ended;
  });
  await synced;
  return store;
}

interface StackParts {
  readonly client: ApiClient;
  readonly api: ApiServer;
  readonly uri: string;
}

async function createStack({ client, api, uri }: StackParts): Promise<void> {
  const { namespace } = stack;
  await createNamespaces(client, [namespace]);
  await api.kubectl(['-n', namespace, 'create', 'secret', 'generic', DATABASE, `--from-literal=uri=${uri}`]);
  const { jwksMaxAge, volumeRefresh, clockSkew, maxWait, accessTokenTTL } = parameters;
  const spec = {
    publicURL: ORIGIN,
    auth: { replicas: 2, audience: [AUDIENCE], accessTokenTTL, trustedProxies: ['127.0.0.0/8'] },
    mongodb: { external: { uriSecretRef: { name: DATABASE } } },
    signingKeys: { maxWait, propagation: { jwksMaxAge, volumeRefresh, clockSkew } },
    consumers: { allowedNamespaces: { from: 'All' } },
  };
  const body = { apiVersion: authStackKind.apiVersion, kind: authStackKind.kind, metadata: stack, spec };
  await client.send({ method: 'POST', path: collectionPath(authStackKind, namespace), body, signal: forEver });
}

const writesButLeases = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [
    { level: 'None', resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }] },
    { level: 'None', verbs: ['get', 'list', 'watch'] },
    { level: 'Metadata', userGroups: ['system:serviceaccounts'] },
    { level: 'None' },
  ],
};
