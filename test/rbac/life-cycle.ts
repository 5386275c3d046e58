import { expect } from '@jest/globals';
import { createApiClient } from '../../operator/src/runtime/client.ts';
import { systemClock } from '../../operator/src/runtime/clock.ts';
import type { StatefulSet } from '../../operator/src/runtime/core-kinds.ts';
import { IN_SERVICE, SERVING_LABEL, labelsOf } from '../../operator/src/api/names.ts';
import { createEventRecorder } from '../../operator/src/runtime/events.ts';
import { FakeClock } from '../../operator/src/runtime/fake-clock.ts';
import { createLiveCluster } from '../../operator/src/runtime/live-cluster.ts';
import { silent } from '../../operator/src/runtime/log.ts';
import type { KubernetesObject } from '../../operator/src/runtime/objects.ts';
import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
import { observeFailedCreates } from '../../operator/src/workloads/pods-not-created.ts';
import type { ApiServer } from '../support/api-server.ts';
import { applyTo } from '../support/installed-operator.ts';

/** A stack in namespace `auth` and a consumer in `shop`, changed until the operator has made every request that it ever makes. */
export class StackLifeCycle {
  private readonly api: ApiServer;
  private readonly stack: string;

  constructor(api: ApiServer, stack: string) {
    this.api = api;
    this.stack = stack;
  }

  /** No replica set is initiated here, so the user of the auth service is given. */
  async begins(): Promise<void> {
    const { stack } = this;
    const labels = { 'app.kubernetes.io/managed-by': 'authstack-operator', 'authstack.dev/stack': stack };
    const metadata = { name: `${stack}-mongodb-auth-user`, namespace: 'auth', labels };
    const stringData = { username: 'auth', password: 'long-enough-to-be-one', uri: 'mongodb://nowhere' };
    await this.apply({ apiVersion: 'v1', kind: 'Secret', metadata, stringData });
    const slow = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'slow' } };
    await this.apply({ ...slow, provisioner: 'example.com/slow', allowVolumeExpansion: true });
    await this.apply(this.authStack({ replicas: 2, ingress: { className: 'nginx' } }), this.consumer('copy'));
    await eventually(async () => {
      const made = await this.names('auth', 'statefulset,deployment,pdb,ingress,networkpolicy,pvc');
      expect(made).toEqual(
        expect.arrayContaining([
          `statefulset.apps/${stack}-mongodb`,
          `deployment.apps/${stack}-auth`,
          `poddisruptionbudget.policy/${stack}-auth`,
          `ingress.networking.k8s.io/${stack}-auth`,
          `networkpolicy.networking.k8s.io/${stack}-auth`,
          `persistentvolumeclaim/data-${stack}-mongodb-0`,
        ]),
      );
    });
  }

  /** Somebody puts a key of their own into the copy; then the consumer wants it under another name. */
  async consumerChangesItsMind(): Promise<void> {
    await eventually(async () => expect(await this.names('shop', 'secret')).toContain('secret/copy'));
    const theirs = { data: { theirs: 'eA==' } };
    await this.api.kubectl(['-n', 'shop', 'patch', 'secret', 'copy', '--patch', JSON.stringify(theirs)]);
    await eventually(async () => {
      const data = await this.api.kubectl(['-n', 'shop', 'get', 'secret', 'copy', '-o', 'jsonpath={.data}']);
      expect(data).not.toContain('theirs');
    });
    await this.apply(this.consumer('other-copy'));
    await eventually(async () => {
      const secrets = await this.names('shop', 'secret');
      expect(secrets).toContain('secret/other-copy');
      expect(secrets).not.toContain('secret/copy');
    });
  }

  /** It shows the token of its ServiceAccount from now on. */
  async consumerHasAnIdentity(): Promise<void> {
    const consumer = this.consumer('other-copy') as { readonly spec: object };
    await this.apply({ ...consumer, spec: { ...consumer.spec, identity: { serviceAccountName: 'creator' } } });
    await eventually(async () => {
      const path = 'jsonpath={.status.conditions[?(@.type=="Accepted")].message}';
      const message = await this.api.kubectl(['-n', 'shop', 'get', 'authconsumer', 'orders', '-o', path]);
      expect(message).toContain('as ServiceAccount creator');
    });
  }

  /** One replica needs no budget, and the Ingress is not wanted any more. */
  async stackBecomesSmaller(): Promise<void> {
    await this.apply(this.authStack({ replicas: 1 }));
    await eventually(async () => {
      const left = await this.names('auth', 'pdb,ingress');
      expect(left).toEqual([`poddisruptionbudget.policy/${this.stack}-mongodb`]);
    });
  }

  /** The first volume grows, which takes a recreated StatefulSet; then the Node that it is on is deleted. */
  async volumesChange(): Promise<void> {
    const { stack } = this;
    const name = `data-${stack}-mongodb-0`;
    const claim = ['-n', 'auth', 'pvc', name];
    const volume = { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: `${stack}-0` } };
    const nodes = { key: 'kubernetes.io/hostname', operator: 'In', values: ['gone'] };
    const nodeAffinity = { required: { nodeSelectorTerms: [{ matchExpressions: [nodes] }] } };
    const spec = {
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '10Gi' },
      local: { path: '/gone' },
      nodeAffinity,
    };
    await this.apply({ ...volume, spec: { ...spec, storageClassName: 'slow' } });
    await this.patch(claim, { spec: { volumeName: `${stack}-0` } });
    const capacity = { storage: '10Gi' };
    await this.patch([...claim, '--subresource=status'], { status: { phase: 'Bound', capacity } });
    await this.apply(this.authStack({ replicas: 1 }, { size: '20Gi' }));
    const of = ['-n', 'auth', 'get', '-o'];
    await eventually(async () => {
      const requested = await this.api.kubectl([...of, 'jsonpath={.spec.resources.requests.storage}', 'pvc', name]);
      expect(requested).toBe('20Gi');
      await this.playGarbageCollector();
      const template = 'jsonpath={.spec.volumeClaimTemplates[0].spec.resources.requests.storage}';
      expect(await this.api.kubectl([...of, template, 'statefulset', `${stack}-mongodb`])).toBe('20Gi');
    });
  }

  /** It takes this finalizer off once it has left the pods to themselves. */
  private async playGarbageCollector(): Promise<void> {
    const set = ['-n', 'auth', 'statefulset', `${this.stack}-mongodb`];
    const finalizers = await this.api.kubectl(['get', ...set, '-o', 'jsonpath={.metadata.finalizers}']);
    if (finalizers.includes('orphan')) await this.patch(set, { metadata: { finalizers: null } });
  }

  /** Of the member's pod, that it finds no node. */
  private async aPodFindsNoNode(): Promise<void> {
    const pod = ['-n', 'auth', 'pod', `${this.stack}-mongodb-0`];
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: 'its volume is elsewhere',
    };
    await this.patch([...pod, '--subresource=status'], { status: { conditions: [condition] } });
    await eventually(async () => {
      const path = 'jsonpath={.status.conditions[?(@.type=="DatabaseReady")].reason}';
      expect(await this.api.kubectl(['-n', 'auth', 'get', 'authstack', this.stack, '-o', path])).toBe(
        'PodUnschedulable',
      );
    });
  }

  /**
   * As kube-controller-manager reports it, which does not run here. Nothing watches these events, so they are read by a
   * cluster of their own.
   */
  async podsAreNotCreated(kubeconfig: string): Promise<void> {
    const statefulSet = await this.get<StatefulSet>('statefulset', `${this.stack}-mongodb`);
    const { uid, name } = statefulSet.metadata;
    const involvedObject = { apiVersion: 'apps/v1', kind: 'StatefulSet', namespace: 'auth', name, uid };
    const metadata = { name: `${this.stack}-failed`, namespace: 'auth' };
    const message = `create Pod ${name}-0 in StatefulSet ${name} failed error: exceeded quota`;
    const lastTimestamp = new Date().toISOString();
    const event = { apiVersion: 'v1', kind: 'Event', metadata, involvedObject, reason: 'FailedCreate', message };
    await this.api.kubectl(['create', '-f', '-'], JSON.stringify({ ...event, type: 'Warning', lastTimestamp }));
    const client = createApiClient({ userAgent: 'authstack-operator', kubeconfig });
    const cluster = createLiveCluster({
      client,
      clock: systemClock,
      stores: new Map(),
      fieldManager: 'test',
      hashAnnotation: 'test',
      namespaces: { watches: () => 'watched', refusedNamespaces: () => [] },
    });
    const signal = AbortSignal.timeout(10_000);
    const missing = { statefulSet, missing: [`${name}-0`] };
    expect(await observeFailedCreates(missing, cluster, { signal })).toEqual({ cause: 'exceeded quota' });
    await client.close();
  }

  private async get<T>(kind: string, name: string): Promise<T> {
    return JSON.parse(await this.api.kubectl(['-n', 'auth', 'get', '-o', 'json', kind, name])) as T;
  }

  private async patch(target: readonly string[], change: object): Promise<void> {
    await this.api.kubectl(['patch', ...target, '--type=merge', '-p', JSON.stringify(change)]);
  }

  /** One of a template that had no label for the Service gets it. */
  async anAuthPodLacksItsLabel(): Promise<void> {
    const name = `${this.stack}-auth-older`;
    const metadata = { name, namespace: 'auth', labels: labelsOf({ metadata: { name: this.stack } }, 'auth') };
    const spec = { containers: [{ name: 'auth', image: 'auth' }] };
    await this.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
    const pod = ['-n', 'auth', 'pod', name];
    await eventually(async () => {
      const labels = await this.api.kubectl(['get', ...pod, '-o', 'jsonpath={.metadata.labels}']);
      expect(JSON.parse(labels)).toMatchObject({ [SERVING_LABEL]: IN_SERVICE });
    });
    await this.api.kubectl(['delete', ...pod, '--force', '--grace-period=0']);
  }

  /** A pod of an older template that never ran stands in the way of a newer one. */
  async templateChangesUnderAPod(): Promise<void> {
    const { stack } = this;
    const name = `${stack}-mongodb-0`;
    const labels = labelsOf({ metadata: { name: stack } }, 'mongodb');
    const metadata = { name, namespace: 'auth', labels, annotations: { 'authstack.dev/template': 'older' } };
    const spec = { containers: [{ name: 'mongod', image: 'mongod' }] };
    await this.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
    await this.aPodFindsNoNode();
    const set = ['-n', 'auth', 'statefulset', `${stack}-mongodb`];
    const generation = Number(await this.api.kubectl(['get', ...set, '-o', 'jsonpath={.metadata.generation}']));
    const status = { status: { replicas: 1, observedGeneration: generation } };
    await this.api.kubectl(['patch', ...set, '--subresource=status', '--type=merge', '-p', JSON.stringify(status)]);
    await eventually(async () => expect(await this.names('auth', 'pod')).toEqual([]));
  }

  /** As where a listed namespace cannot be watched. */
  async anEventAboutItsOwnPod(kubeconfig: string, namespace: string): Promise<void> {
    const client = createApiClient({ userAgent: 'authstack-operator', kubeconfig });
    const names = { controller: 'authstack-operator', instance: 'test', sources: new Map() };
    const recorder = createEventRecorder({ client, clock: systemClock, log: silent, ...names });
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name: 'auth-stack-1' } };
    recorder.record(pod, { type: 'Warning', reason: 'NamespaceNotWatched', message: 'it is gone' });
    await eventually(async () => {
      const events = ['-n', namespace, 'get', 'events.events.k8s.io', '-o', 'name'];
      expect(await this.api.kubectl(events)).toContain('auth-stack-1');
    });
    await client.close();
  }

  /** A minute is long, so the clock of a recorder of its own is moved; its requests are the operator's all the same. */
  async anEventIsRepeated(kubeconfig: string): Promise<void> {
    const get = ['-n', 'auth', 'get', '-o', 'json', 'authstack', this.stack];
    const about = JSON.parse(await this.api.kubectl(get)) as KubernetesObject;
    const client = createApiClient({ userAgent: 'authstack-operator', kubeconfig });
    const clock = new FakeClock();
    const recorder = createEventRecorder({
      client,
      clock,
      log: silent,
      controller: 'authstack-operator',
      instance: 'test',
      sources: new Map(),
    });
    const event = { type: 'Normal', reason: 'Tested', message: 'recorded twice' } as const;
    const counts = ['-n', 'auth', 'get', 'events.events.k8s.io', '--field-selector', 'reason=Tested'];
    recorder.record(about, event);
    await eventually(async () => expect(await this.api.kubectl([...counts, '-o', 'name'])).not.toBe(''));
    await clock.advance(61_000);
    recorder.record(about, event);
    await eventually(async () => {
      expect(await this.api.kubectl([...counts, '-o', 'jsonpath={.items[0].series.count}'])).toBe('2');
    });
    await client.close();
  }

  /** Under `deletionPolicy: Delete` everything goes. */
  async ends(): Promise<void> {
    await this.api.kubectl(['-n', 'shop', 'delete', 'authconsumer', 'orders']);
    await this.api.kubectl(['-n', 'auth', 'delete', 'authstack', this.stack, '--timeout=20s']);
    await eventually(async () => {
      expect(await this.names('auth', 'secret,statefulset,deployment')).toEqual([]);
    });
  }

  private async names(namespace: string, kinds: string): Promise<readonly string[]> {
    const of = `authstack.dev/stack=${this.stack}`;
    const found = await this.api.kubectl(['-n', namespace, 'get', kinds, '-l', of, '-o', 'name']);
    return found.split('\n').filter((name) => name !== '');
  }

  private async apply(...items: readonly object[]): Promise<void> {
    await applyTo(this.api, items);
  }

  private authStack(auth: object, storage: object = {}): object {
    return {
      apiVersion: 'authstack.dev/v1alpha1',
      kind: 'AuthStack',
      metadata: { name: this.stack, namespace: 'auth' },
      spec: {
        publicURL: `https://${this.stack}.example.com`,
        auth: { audience: ['shop'], ...auth },
        mongodb: { members: 3, storage: { className: 'slow', ...storage } },
        consumers: { allowedNamespaces: { from: 'Selector', selector: { matchLabels: { trusted: 'true' } } } },
        deletionPolicy: 'Delete',
      },
    };
  }

  private consumer(secretName: string): object {
    return {
      apiVersion: 'authstack.dev/v1alpha1',
      kind: 'AuthConsumer',
      metadata: { name: 'orders', namespace: 'shop' },
      spec: { stackRef: { namespace: 'auth', name: this.stack }, secretName },
    };
  }
}
