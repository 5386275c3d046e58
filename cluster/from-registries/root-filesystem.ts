import { join } from 'node:path';
import { artifact } from '../cache.ts';
import { needPackages } from '../debian.ts';
import { docker, imageExists } from '../docker.ts';
import { run } from '../process.ts';
import { versions } from '../versions.ts';

/** Everything a node runs beside Kubernetes and containerd, and what the small images are cut out of. */
const packages = [
  ...['systemd', 'systemd-sysv', 'dbus', 'udev', 'kmod', 'procps', 'hostname', 'jq', 'ca-certificates'],
  ...['iptables', 'nftables', 'iproute2', 'ethtool', 'socat', 'conntrack', 'runc', 'containernetworking-plugins'],
  ...['busybox-static', 'nginx-light', 'libcurl4'],
];

// The number goes up with the list of packages.
const revision = 1;
export const rootFilesystemImage: string = `localhost/authstack/debian:${versions.debian}-${revision}`;

/** Debian as an image, unpacked from its packages. */
export async function ensureRootFilesystem(): Promise<void> {
  if (await imageExists(rootFilesystemImage)) return;
  const folder = await artifact(`debian-${versions.debian}-${revision}`, async (unfinished) => {
    await needPackages(['debootstrap']);
    const root = join(unfinished, 'root');
    const options = ['--variant=minbase', `--include=${packages.join(',')}`];
    await run('debootstrap', [...options, versions.debian, root, ...(await mirror())]);
    const drop = ['./var/cache/apt', './var/lib/apt/lists', './usr/share/doc', './usr/share/man', './usr/share/locale'];
    const excluded = drop.map((path) => `--exclude=${path}/*`);
    await run('tar', ['-C', root, ...excluded, '-cf', join(unfinished, 'root.tar'), '.']);
    await run('rm', ['-rf', root]);
  });
  await docker(['import', join(folder, 'root.tar'), rootFilesystemImage]);
}

/** The mirror that apt on this machine uses for that release; none: debootstrap's own default. */
export async function mirror(): Promise<readonly string[]> {
  const targets = await run('apt-get', ['indextargets', '--format', '$(RELEASE) $(REPO_URI)']).catch(() => '');
  const line = targets.split('\n').find((target) => target.startsWith(`${versions.debian} `));
  return line === undefined ? [] : [line.slice(versions.debian.length + 1)];
}
