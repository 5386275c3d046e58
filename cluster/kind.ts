import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { canPullImages, docker, imageId } from './docker.ts';
import { ensureNodeImage } from './from-registries/node-image.ts';
import { run } from './process.ts';
import { tool } from './provide.ts';

export const clusterName = 'auth-stack';
export const context: string = `kind-${clusterName}`;

/** The port of the demo on this machine; the next one belongs to the gateway of the end-to-end scenarios. */
export const port = Number(process.env['PORT'] ?? 8080);
export const address: string = `http://localhost:${port}`;

/** Ports of the nodes that this machine's loopback leads to. */
const demoNodePort = 30_080;
const scenariosNodePort = 30_081;

export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  return run(await tool('kubectl'), ['--context', context, ...args], input === undefined ? {} : { input });
}

async function kind(args: readonly string[], input?: string): Promise<string> {
  return run(await tool('kind'), args, input === undefined ? {} : { input });
}

export async function clusterExists(): Promise<boolean> {
  return (await kind(['get', 'clusters'])).split('\n').includes(clusterName);
}

/** The cluster, made anew where it is absent or no longer answers (its engine was killed, say). */
export async function ensureCluster(): Promise<'made' | 'kept'> {
  if (await clusterExists()) {
    if (await answersAgain()) return 'kept';
    await deleteCluster();
  }
  const image = (await canPullImages()) ? [] : ['--image', await ensureNodeImage()];
  const config = stringify(configuration(image.length > 0));
  await kind(['create', 'cluster', '--name', clusterName, '--config', '-', '--wait', '180s', ...image], config);
  await kubectl(['-n', 'kube-system', 'rollout', 'status', 'deployment/coredns', '--timeout=180s']);
  return 'made';
}

export async function deleteCluster(): Promise<void> {
  await kind(['delete', 'cluster', '--name', clusterName]);
}

async function answersAgain(): Promise<boolean> {
  const nodes = (await kind(['get', 'nodes', '--name', clusterName])).trim().split('\n');
  try {
    await docker(['start', ...nodes]);
    await kind(['export', 'kubeconfig', '--name', clusterName]);
    const waiting = ['wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=60s'];
    await run('timeout', ['90', await tool('kubectl'), '--context', context, ...waiting]);
    return true;
  } catch {
    return false;
  }
}

/** kind.x-k8s.io/v1alpha4. Our own node image runs where kind's would not: on cgroup v1, with fewer capabilities. */
function configuration(ownImage: boolean): object {
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
    kubeadmConfigPatches: [stringify(kubelet)],
    nodes: [
      {
        role: 'control-plane',
        extraPortMappings: [mapping(demoNodePort, port), mapping(scenariosNodePort, port + 1)],
      },
      { role: 'worker' },
      { role: 'worker' },
      { role: 'worker' },
    ],
  };
}

/** File in the control plane that says which image has which content; it goes with the cluster. */
const ledger = '/kind/auth-stack-images.json';

/** Brings images into every node, those whose content they lack; answers what was brought. */
export async function loadImages(tags: readonly string[]): Promise<readonly string[]> {
  const node = `${clusterName}-control-plane`;
  const known = JSON.parse(await docker(['exec', node, 'cat', ledger]).catch(() => '{}')) as Record<string, string>;
  const wanted = Object.fromEntries(await Promise.all(tags.map(async (tag) => [tag, await imageId(tag)] as const)));
  const missing = tags.filter((tag) => known[tag] !== wanted[tag]);
  if (missing.length === 0) return [];

  const folder = await mkdtemp(join(tmpdir(), 'images-'));
  try {
    const archive = join(folder, 'images.tar');
    // One archive, so that the layers they share travel once.
    await docker(['save', '--output', archive, ...missing]);
    await kind(['load', 'image-archive', archive, '--name', clusterName]);
  } finally {
    await rm(folder, { recursive: true });
  }
  await docker(['exec', '-i', node, 'sh', '-c', `cat > ${ledger}`], { input: JSON.stringify({ ...known, ...wanted }) });
  return missing;
}
