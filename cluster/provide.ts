import { copyFile, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { artifact } from './cache.ts';
import { needPackages } from './debian.ts';
import { goBuild, goInstall, goModule } from './from-registries/go.ts';
import type { Program } from './from-registries/go.ts';
import { runnableMongod } from './from-registries/mongod.ts';
import { run, succeeds, which } from './process.ts';
import { isAtLeast, isWithinOneMinor } from './version.ts';
import { versions } from './versions.ts';

export type ToolName =
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kubectl'
  | 'etcd'
  | 'mongod'
  | 'helm'
  | 'promtool'
  | 'kind'
  | 'chromium';

interface Tool {
  /** What it may be called on PATH; the first that is usable is taken. */
  readonly names: readonly string[];
  readonly askVersion: readonly string[];
  readonly usable: (said: string) => boolean;
  /** Makes it and tells where it is. */
  readonly make: () => Promise<string>;
}

const here = dirname(fileURLToPath(import.meta.url));

const tools: Readonly<Record<ToolName, Tool>> = {
  'kube-apiserver': {
    names: ['kube-apiserver'],
    askVersion: ['--version'],
    usable: (said) => isWithinOneMinor(said, versions.kubernetes),
    make: () => kubernetes('kube-apiserver'),
  },
  'kube-controller-manager': {
    names: ['kube-controller-manager'],
    askVersion: ['--version'],
    usable: (said) => isWithinOneMinor(said, versions.kubernetes),
    make: () => kubernetes('kube-controller-manager'),
  },
  kubectl: {
    names: ['kubectl'],
    askVersion: ['version', '--client'],
    usable: (said) => isWithinOneMinor(said, versions.kubernetes),
    make: () => kubernetes('kubectl'),
  },
  etcd: {
    names: ['etcd'],
    askVersion: ['--version'],
    usable: (said) => isAtLeast(said, versions.etcd),
    make: () => goProgram('etcd', 'go.etcd.io/etcd/server/v3'),
  },
  mongod: {
    names: ['mongod'],
    askVersion: ['--version'],
    usable: (said) => isAtLeast(said, versions.mongodb),
    make: mongod,
  },
  helm: {
    names: ['helm'],
    askVersion: ['version'],
    usable: (said) => isAtLeast(said, '4.0'),
    make: () => goProgram('helm', 'helm.sh/helm/v4', '/cmd/helm'),
  },
  promtool: {
    names: ['promtool'],
    askVersion: ['--version'],
    usable: (said) => isAtLeast(said, '3.0'),
    make: promtool,
  },
  kind: {
    names: ['kind'],
    askVersion: ['version'],
    // The node image that a release of kind starts by default decides the version of Kubernetes.
    usable: (said) => isAtLeast(said, versions.kind),
    make: () => goProgram('kind', 'sigs.k8s.io/kind'),
  },
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    askVersion: ['--version'],
    usable: (said) => isAtLeast(said, '110.0'),
    make: chromium,
  },
};

const provided = new Map<ToolName, Promise<string>>();

/** Where a program is: on PATH in a version that will do, else in the cache, built there the first time. */
export function tool(name: ToolName): Promise<string> {
  const known = provided.get(name) ?? provide(tools[name]);
  provided.set(name, known);
  return known;
}

async function provide({ names, askVersion, usable, make }: Tool): Promise<string> {
  for (const name of names) {
    const path = await which(name);
    if (path !== undefined && usable(await run(path, askVersion).catch(() => ''))) return path;
  }
  return make();
}

/** The folder with the binary of all of Kubernetes, under the names of its components. */
export function kubernetesBinaries(): Promise<string> {
  return artifact(`kubernetes-${versions.kubernetes}`, async (folder) => {
    const [major = '', minor = ''] = versions.kubernetes.split('.');
    const facts = { gitVersion: `v${versions.kubernetes}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
    const flags = Object.entries(facts).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
    await goBuild(join(here, 'from-registries/kubernetes'), join(folder, 'kube'), flags);
    for (const name of kubernetesComponents) await symlink('kube', join(folder, name));
  });
}

export const kubernetesComponents = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubelet',
  'kubeadm',
  'kubectl',
] as const;

async function kubernetes(component: (typeof kubernetesComponents)[number]): Promise<string> {
  return join(await kubernetesBinaries(), component);
}

type GoProgram = 'etcd' | 'helm' | 'promtool' | 'kind' | NodeProgram;
type NodeProgram = 'etcd' | 'coredns' | 'local-path-provisioner' | 'containerd' | 'containerd-shim-runc-v2' | 'ctr';

/** What runs in the nodes and nowhere else. */
export function nodeProgram(name: NodeProgram): Promise<string> {
  switch (name) {
    case 'etcd':
      return goProgram('etcd', 'go.etcd.io/etcd/server/v3');
    case 'coredns':
      return goProgram('coredns', 'github.com/coredns/coredns');
    case 'local-path-provisioner':
      return goProgram('local-path-provisioner', 'github.com/rancher/local-path-provisioner');
    case 'containerd':
    case 'containerd-shim-runc-v2':
    case 'ctr':
      return goProgram(name, 'github.com/containerd/containerd/v2', `/cmd/${name}`);
  }
}

async function goProgram(name: GoProgram, module: string, subfolder = ''): Promise<string> {
  return builtProgram(name, { module, package: `${module}${subfolder}` });
}

/** It checks rules and finds no targets, so the clients of every cloud can stay out of it. */
function promtool(): Promise<string> {
  const module = 'github.com/prometheus/prometheus';
  return builtProgram('promtool', { module, package: `${module}/cmd/promtool`, buildTags: 'remove_all_sd' });
}

async function builtProgram(name: GoProgram, source: Omit<Program, 'version'>): Promise<string> {
  const version = versions[versionNames[name]];
  const folder = await artifact(`${name}-${version}`, (unfinished) =>
    goInstall({ ...source, version }, join(unfinished, name)),
  );
  return join(folder, name);
}

const versionNames = {
  etcd: 'etcd',
  helm: 'helm',
  promtool: 'prometheus',
  kind: 'kind',
  coredns: 'coredns',
  'local-path-provisioner': 'localPath',
  containerd: 'containerd',
  'containerd-shim-runc-v2': 'containerd',
  ctr: 'containerd',
} as const satisfies Record<GoProgram, keyof typeof versions>;

/** The folder with the CRDs of the Prometheus operator that the chart has objects of. */
export function prometheusOperatorCrds(): Promise<string> {
  return artifact(`prometheus-operator-crds-${versions.prometheusOperator}`, async (unfinished) => {
    const module = 'github.com/prometheus-operator/prometheus-operator';
    const source = await goModule({ module, version: versions.prometheusOperator });
    for (const kind of ['podmonitors', 'prometheusrules', 'servicemonitors']) {
      const name = `monitoring.coreos.com_${kind}.yaml`;
      await copyFile(join(source, 'example/prometheus-operator-crd', name), join(unfinished, name));
    }
  });
}

async function mongod(): Promise<string> {
  const program = await runnableMongod(versions.mongodb);
  if (!(await succeeds(program, ['--version']))) await needPackages(['libcurl4', 'liblzma5']);
  return program;
}

async function chromium(): Promise<string> {
  await needPackages(['chromium']);
  const path = await which('chromium');
  if (path === undefined) throw new Error('the Debian package chromium brought no program of that name onto PATH');
  return path;
}
