import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { imageExists } from '../docker.ts';
import { kubernetesBinaries, nodeProgram } from '../provide.ts';
import { versions } from '../versions.ts';
import { buildFrom, pathLine } from './build-context.ts';
import { saveKubernetesImages } from './kubernetes-images.ts';
import { ensureRootFilesystem, rootFilesystemImage } from './root-filesystem.ts';

const files = join(import.meta.dirname, 'node');

// The number goes up with what is in the image.
const revision = 3;
const tag = `localhost/authstack/kind-node:v${versions.kubernetes}-${revision}`;

const masked = [
  ...['systemd-udevd.service', 'systemd-udev-trigger.service', 'systemd-logind.service', 'systemd-timesyncd.service'],
  ...['getty.target', 'console-getty.service', 'dev-hugepages.mount', 'sys-kernel-debug.mount', 'nginx.service'],
];

/** A node image that keeps kind's contract (kind.sigs.k8s.io, "Base image" and "Node image"), built without a registry. */
export async function ensureNodeImage(): Promise<string> {
  if (await imageExists(tag)) return tag;
  await ensureRootFilesystem();
  const archive = await mkdtemp(join(tmpdir(), 'node-images-'));
  try {
    await saveKubernetesImages(join(archive, 'kubernetes.tar'));
    const binaries = await kubernetesBinaries();
    const containerd = await Promise.all((['containerd', 'containerd-shim-runc-v2', 'ctr'] as const).map(nodeProgram));
    const own = (await readdir(files)).map((name) => join(files, name));
    await buildFrom({
      tag,
      files: [join(archive, 'kubernetes.tar'), binaries, ...containerd, ...own],
      dockerfile: [
        `FROM ${rootFilesystemImage}`,
        `${pathLine} container=docker`,
        `COPY ${basename(binaries)} /usr/bin`,
        'COPY containerd containerd-shim-runc-v2 ctr crictl entrypoint /usr/local/bin/',
        'COPY containerd.toml /etc/containerd/config.toml',
        'COPY *.service /etc/systemd/system/',
        'COPY cni.template /kind/cni.template',
        'COPY kubernetes.tar /kind/images/kubernetes.tar',
        'COPY storage.yaml /kind/manifests/default-storage.yaml',
        'COPY default-cni.yaml /kind/manifests/default-cni.yaml',
        [
          `RUN echo v${versions.kubernetes} > /kind/version`,
          'chmod +x /usr/local/bin/crictl /usr/local/bin/entrypoint',
          'systemctl enable containerd kubelet preload-images pod-dns-udp pod-dns-tcp',
          `systemctl mask ${masked.join(' ')}`,
          'ln -sf /lib/systemd/system/multi-user.target /etc/systemd/system/default.target',
        ].join(' && '),
        'STOPSIGNAL SIGRTMIN+3',
        'ENTRYPOINT ["/usr/local/bin/entrypoint"]',
      ],
    });
  } finally {
    await rm(archive, { recursive: true, force: true });
  }
  return tag;
}
