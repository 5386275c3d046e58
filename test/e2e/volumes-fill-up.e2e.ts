import { randomBytes } from 'node:crypto';
import { MongoError } from 'mongodb';
import { apply, expect, kubectl, list, onNode, scenario } from './world.ts';
import { DatabaseClients } from '../world/database-clients.ts';
import { RecordingClient } from '../world/recording-client.ts';
import type { Stack } from './world.ts';

const CLASS = 'small-volumes';
const FOLDER = '/mnt/small-volume';

/** A volume that can be filled in seconds, on each worker: a file system in memory with an end. */
async function smallVolumes(workers: readonly string[]): Promise<AsyncDisposable & { widen(): Promise<void> }> {
  const volumes = workers.map((node) => `small-${node}`);
  const storageClass = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: CLASS } };
  await apply({
    ...storageClass,
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  });
  for (const node of workers) {
    await onNode(node, ['sh', '-c', `mkdir -p ${FOLDER} && mount -t tmpfs -o size=600m,mode=0777 tmpfs ${FOLDER}`]);
    const nodes = { key: 'kubernetes.io/hostname', operator: 'In', values: [node] };
    await apply({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: `small-${node}` },
      spec: {
        capacity: { storage: '600Mi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: CLASS,
        local: { path: FOLDER },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [nodes] }] } },
      },
    });
  }
  return {
    async widen() {
      for (const node of workers) await onNode(node, ['mount', '-o', 'remount,size=1200m', FOLDER]);
    },
    async [Symbol.asyncDispose]() {
      await kubectl(['delete', 'pv', ...volumes, '--wait=false', '--ignore-not-found']);
      await kubectl(['delete', 'storageclass', CLASS, '--ignore-not-found']);
      // Pods of the scenario may hold it for a moment yet.
      for (const node of workers) await onNode(node, ['umount', '--lazy', FOLDER]);
    },
  };
}

/** Writes until it is stopped, less at a time where there is no room for more; answers how often a write was refused. */
async function fill(stack: Stack, stopped: AbortSignal): Promise<number> {
  await using clients = await DatabaseClients.of(stack);
  const ballast = clients.plain.db().collection('ballast');
  let refused = 0;
  for (let bytes = LARGEST; !stopped.aborted;) {
    try {
      // What is random cannot be compressed.
      await ballast.insertOne({ bytes: randomBytes(bytes) });
      bytes = Math.min(bytes * 2, LARGEST);
    } catch (error) {
      if (!(error instanceof MongoError)) throw error;
      refused += 1;
      bytes = Math.max(bytes / 2, SMALLEST);
    }
  }
  return refused;
}

const LARGEST = 4 * 2 ** 20;
const SMALLEST = 2 ** 12;

scenario(
  'volumes that are full are named, and given room nothing is lost',
  { minutes: 8, suite: 'full', alone: true },
  async (world) => {
    const workers = (await list('', 'nodes', '!node-role.kubernetes.io/control-plane')).map(
      ({ metadata }) => metadata.name,
    );
    await using volumes = await smallVolumes(workers);
    const stack = await world.createStack({
      members: 3,
      replicas: 1,
      spec: { mongodb: { storage: { size: '600Mi', className: CLASS } } },
    });
    await stack.becomes('DatabaseReady=True/AllMembersHealthy', { within: 120 });
    await using recorder = await RecordingClient.start(stack);

    const stopped = new AbortController();
    const filling = fill(stack, stopped.signal);
    try {
      await stack.becomes('DatabaseReady=False/VolumeFull', { within: 120 }).then(({ message }) => {
        expect(message).toMatch(/^The volume of main-mongodb-\d .*spec\.mongodb\.storage\.size/);
      });
    } finally {
      stopped.abort();
    }
    expect(await filling).toBeGreaterThan(0);

    await volumes.widen();
    await stack.becomes('DatabaseReady=True/AllMembersHealthy', { within: 180 });
    const report = await recorder.end();
    process.stderr.write(`    ${JSON.stringify(report)}\n`);
    expect(report.lost).toEqual([]);
    expect(report.acknowledged).toBeGreaterThan(50);
  },
);
