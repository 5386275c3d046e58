import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { needPackages } from '../debian.ts';
import { docker } from '../docker.ts';
import { run } from '../process.ts';
import { kubernetesBinaries, nodeProgram } from '../provide.ts';
import { versions } from '../versions.ts';
import { buildFrom, pathLine, slimCopy } from './build-context.ts';
import { rootFilesystemImage } from './root-filesystem.ts';

const busybox = 'localhost/busybox:1.35';
const routes = 'localhost/routes:1';
const localPath = `localhost/local-path-provisioner:v${versions.localPath}`;
const kube = (component: string): string => `registry.k8s.io/${component}:v${versions.kubernetes}`;
const controlPlane = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map(kube);

/** What kubeadm of this version asks for by these very names, and what storage.yaml and default-cni.yaml run. */
const images = [
  ...controlPlane,
  kube('kube-proxy'),
  `registry.k8s.io/etcd:${versions.etcd}-0`,
  `registry.k8s.io/coredns/coredns:v${versions.coredns}`,
  `registry.k8s.io/pause:${versions.pause}`,
  localPath,
  busybox,
  routes,
];

/** Builds the images a node starts with, and saves all of them into one archive. */
export async function saveKubernetesImages(archive: string): Promise<void> {
  const binaries = await kubernetesBinaries();
  const all = 'localhost/kubernetes:base';
  // A folder is copied with its links as links, so the binary is in the image once.
  const copy = `COPY ${basename(binaries)} /usr/local/bin`;
  await buildFrom({ tag: all, files: [binaries], dockerfile: ['FROM scratch', pathLine, copy] });
  for (const tag of controlPlane) await docker(['tag', all, tag]);

  const withShell = ['FROM scratch', pathLine, 'COPY --from=debian /bin/busybox /bin/busybox'];
  const install = 'RUN ["/bin/busybox","--install","/bin"]';
  const debian = `FROM ${rootFilesystemImage} AS debian`;
  await buildFrom({ tag: busybox, dockerfile: [debian, ...withShell, install] });
  await buildFrom({
    tag: routes,
    dockerfile: [`FROM ${busybox} AS shell`, `FROM ${all}`, 'COPY --from=shell /bin /bin'],
  });
  await buildFrom({
    tag: kube('kube-proxy'),
    dockerfile: [
      debian,
      slimCopy('/usr/sbin/nft', '/usr/sbin/conntrack'),
      `FROM ${all}`,
      'COPY --from=debian /slim /',
      'COPY --from=debian /bin/busybox /bin/sh',
      // Without it nft lists the rules that stand with numbers, kube-proxy takes them for others than its own, and deletes
      // them: each hour, and whenever it starts beside rules of an earlier one.
      'COPY --from=debian /etc/protocols /etc/protocols',
    ],
  });
  await program('etcd', `registry.k8s.io/etcd:${versions.etcd}-0`, '/usr/local/bin/etcd');
  await program('coredns', `registry.k8s.io/coredns/coredns:v${versions.coredns}`, '/coredns');
  await program('local-path-provisioner', localPath, '/usr/bin/local-path-provisioner');
  await pause();
  await docker(['save', '--output', archive, ...images]);
}

async function program(name: 'etcd' | 'coredns' | 'local-path-provisioner', tag: string, path: string): Promise<void> {
  const dockerfile = ['FROM scratch', pathLine, `COPY ${name} ${path}`, `ENTRYPOINT ["${path}"]`];
  // kubeadm names etcd in `command`; an entrypoint of its own would be harmless, and without one it is plainer.
  const lines = name === 'coredns' ? dockerfile : dockerfile.slice(0, -1);
  await buildFrom({ tag, files: [await nodeProgram(name)], dockerfile: lines });
}

async function pause(): Promise<void> {
  await needPackages(['gcc', 'libc6-dev']);
  const folder = await mkdtemp(join(tmpdir(), 'pause-'));
  try {
    await mkdir(folder, { recursive: true });
    const output = join(folder, 'pause');
    await run('gcc', ['-static', '-O2', '-s', '-o', output, join(import.meta.dirname, 'images/pause.c')]);
    const dockerfile = ['FROM scratch', 'COPY pause /pause', 'USER 65535:65535', 'ENTRYPOINT ["/pause"]'];
    await buildFrom({ tag: `registry.k8s.io/pause:${versions.pause}`, files: [output], dockerfile });
  } finally {
    await rm(folder, { recursive: true });
  }
}
