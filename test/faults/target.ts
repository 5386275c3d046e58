import { readFile, writeFile } from 'node:fs/promises';
import type { ApiServer } from '../support/api-server.ts';

interface Kubeconfig {
  readonly clusters: readonly [
    { cluster: { server: string; 'certificate-authority'?: string; 'insecure-skip-tls-verify'?: boolean } },
  ];
}

async function readKubeconfig(api: ApiServer): Promise<Kubeconfig> {
  return JSON.parse(await readFile(api.kubeconfig, 'utf8')) as Kubeconfig;
}

/** PEM of the authority that the API server's certificate is of. */
export async function authorityOf(api: ApiServer): Promise<Buffer> {
  const { cluster } = (await readKubeconfig(api)).clusters[0];
  return readFile(cluster['certificate-authority'] ?? '');
}

/** A kubeconfig with the same identity that leads to another port of this machine; answers its path. */
export async function writeDetour(api: ApiServer, port: number): Promise<string> {
  const config = await readKubeconfig(api);
  const { cluster } = config.clusters[0];
  cluster.server = `http://127.0.0.1:${port}`;
  delete cluster['certificate-authority'];
  // Without it client-node refuses plain HTTP.
  cluster['insecure-skip-tls-verify'] = true;
  const path = `${api.kubeconfig}.faults-${port}`;
  await writeFile(path, JSON.stringify(config));
  return path;
}
