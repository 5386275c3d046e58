import { readFile, writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import { auditMount, auditedApiServer } from './audit.ts';
import { canPullImages, docker } from './docker.ts';
import { ensureNodeImage } from './from-registries/node-image.ts';
import { isTaken } from './ports.ts';
import { run } from './process.ts';
import { tool } from './provide.ts';

export const clusterName = 'auth-stack';
export const context: string = `kind-${clusterName}`;

/** The port of the demo on this machine; the next one belongs to the gateway of the end-to-end scenarios. */
export const port = Number(process.env['PORT'] ?? 8080);
export const address: string = addressAt(port);

export function addressAt(somePort: number): string {
  return `http://localhost:${somePort}`;
}

/** Ports of the nodes that this machine's loopback leads to. */
const demoNodePort = 30_080;
const scenariosNodePort = 30_081;

export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  return run(await tool('kubectl'), ['--context', context, ...args], input === undefined ? {} : { input });
}

export async function kind(args: readonly string[], input?: string): Promise<string> {
  return run(await tool('kind'), args, input === undefined ? {} : { input });
}

/** Names of the nodes, running or not; none when there is no cluster. Asks the engine, so that it needs no kind. */
export async function nodeNames(): Promise<readonly string[]> {
  const ofCluster = ['--filter', `label=io.x-k8s.kind.cluster=${clusterName}`];
  const names = await docker(['ps', '--all', ...ofCluster, '--format', '{{.Names}}']);
  return names.split('\n').filter((name) => name !== '');
}

export async function clusterExists(): Promise<boolean> {
  return (await nodeNames()).length > 0;
}

/** The cluster, made anew where it is absent or no longer answers (its engine was killed, say). */
export async function ensureCluster(): Promise<'made' | 'kept'> {
  if (await clusterExists()) {
    if (await answersAgain()) return 'kept';
    await deleteCluster();
  }
  for (const wanted of [port, port + 1]) {
    if (await isTaken(wanted)) {
      throw new Error(`port ${wanted} of 127.0.0.1 is taken; choose two free ones in a row: PORT=9080 make up`);
    }
  }
  await allowEnoughWatches();
  const image = (await canPullImages()) ? [] : ['--image', await ensureNodeImage()];
  const config = stringify(configuration({ ownImage: image.length > 0, auditMount: await auditMount() }));
  await kind(['create', 'cluster', '--name', clusterName, '--config', '-', '--wait', '180s', ...image], config);
  await kubectl(['-n', 'kube-system', 'rollout', 'status', 'deployment/coredns', '--timeout=180s']);
  return 'made';
}

export async function deleteCluster(): Promise<void> {
  await kind(['delete', 'cluster', '--name', clusterName]);
}

/** Starts the nodes that stand still and waits for them; a cluster on other ports is nobody's to replace. */
async function answersAgain(): Promise<boolean> {
  try {
    await docker(['start', ...(await nodeNames())]);
    await kind(['export', 'kubeconfig', '--name', clusterName]);
    const waiting = ['wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=60s'];
    await run('timeout', ['90', await tool('kubectl'), '--context', context, ...waiting]);
  } catch {
    return false;
  }
  const mapped = await mappedPort();
  if (mapped !== port) {
    throw new Error(`the cluster listens on port ${mapped}: PORT=${mapped} make up, or make down first`);
  }
  return true;
}

/** The port of this machine that leads to the demo. */
export async function mappedPort(): Promise<number> {
  const said = await docker(['port', `${clusterName}-control-plane`, `${demoNodePort}/tcp`]);
  return Number(said.trim().split(':').at(-1));
}

/** Four nodes on one kernel share its inotify instances; the kernel's own limit of 128 per user is too few for them. */
async function allowEnoughWatches(): Promise<void> {
  const limit = '/proc/sys/fs/inotify/max_user_instances';
  const allowed = Number(await readFile(limit, 'utf8').catch(() => '0'));
  // Without the right to change it the cluster mostly works; kubelet says so when it does not.
  if (allowed > 0 && allowed < 1024) await writeFile(limit, '1024').catch(() => undefined);
}

export interface ConfigurationOptions {
  readonly ownImage: boolean;
  readonly auditMount: object;
}

/** kind.x-k8s.io/v1alpha4. Our own node image runs where kind's would not: on cgroup v1, with fewer capabilities. */
export function configuration({ ownImage, auditMount: mount }: ConfigurationOptions): object {
  const kubelet = {
    kind: 'KubeletConfiguration',
    // How soon a changed Secret reaches the files of a pod; Kubernetes' own default is a minute.
    syncFrequency: '5s',
    ...(ownImage && { failCgroupV1: false, cgroupDriver: 'cgroupfs' }),
  };
  const mapping = (containerPort: number, hostPort: number): object => ({
    containerPort,
    hostPort,
    listenAddress: '127.0.0.1',
  });
  return {
    kind: 'Cluster',
    apiVersion: 'kind.x-k8s.io/v1alpha4',
    ...(ownImage && { featureGates: { KubeletInUserNamespace: true }, networking: { kubeProxyMode: 'nftables' } }),
    kubeadmConfigPatches: [stringify(kubelet), stringify(auditedApiServer)],
    nodes: [
      {
        role: 'control-plane',
        extraMounts: [mount],
        extraPortMappings: [mapping(demoNodePort, port), mapping(scenariosNodePort, port + 1)],
      },
      { role: 'worker' },
      { role: 'worker' },
      { role: 'worker' },
    ],
  };
}
