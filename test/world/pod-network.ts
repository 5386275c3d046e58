import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { LookupFunction } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { docker } from '../../cluster/docker.ts';
import { clusterName, kind } from '../../cluster/kind.ts';
import { run } from '../../cluster/process.ts';
import { createApiClient } from '../../operator/src/runtime/client.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import { podKind } from '../../operator/src/runtime/core-kinds.ts';
import type { Pod } from '../../operator/src/runtime/core-kinds.ts';
import { collectionPath } from '../../operator/src/runtime/paths.ts';
import { kubectl } from './kubectl.ts';

interface ClusterNode {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly podCIDR?: string };
}

/**
 * Lets this machine reach pods by their addresses, as their neighbours in the cluster do: each node is a container here,
 * and forwards what goes to its pods. The routes go with the cluster's network.
 */
export async function reachPods(): Promise<void> {
  const { items } = JSON.parse(await kubectl(['get', 'nodes', '-o', 'json'])) as { items: readonly ClusterNode[] };
  for (const { metadata, spec } of items) {
    if (spec.podCIDR === undefined) throw new Error(`node ${metadata.name} has no podCIDR`);
    const format = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    const address = (await docker(['inspect', '--format', format, metadata.name])).trim();
    await route(spec.podCIDR, address);
  }
}

async function route(network: string, via: string): Promise<void> {
  const command = ['ip', 'route', 'replace', network, 'via', via] as const;
  try {
    const [program, ...args] = command;
    await run(program, args);
  } catch (cause) {
    throw new Error(`pods are reached over a route that only root can make: sudo ${command.join(' ')}`, { cause });
  }
}

const REMEMBERED = 300;

/**
 * Resolves `main-mongodb-0.main-mongodb.<namespace>.svc` to the pod's present address, as the cluster's DNS would. Asks
 * the API server itself: a kubectl for each name would take more of a small machine than the database does.
 */
export function memberLookup(client: ApiClient, namespace: string): LookupFunction {
  let known: { readonly until: number; readonly addresses: Promise<ReadonlyMap<string, string>> } | undefined;

  async function ask(): Promise<ReadonlyMap<string, string>> {
    const path = collectionPath(podKind, namespace);
    const { items } = await client.send<{ items: readonly Pod[] }>({
      method: 'GET',
      path,
      signal: AbortSignal.timeout(2_000),
    });
    return new Map(items.map(({ metadata, status }) => [metadata.name, status?.podIP ?? '']));
  }

  async function addressOf(pod: string): Promise<string | undefined> {
    if (!known || known.until < Date.now()) known = { until: Date.now() + REMEMBERED, addresses: ask() };
    const address = await known.addresses.then((addresses) => addresses.get(pod)).catch(() => undefined);
    return address === '' ? undefined : address;
  }

  return (hostname, options, callback) => {
    const [pod = ''] = hostname.split('.');
    void addressOf(pod).then((address) => {
      if (address === undefined) {
        callback(Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' }), '', 4);
        return;
      }
      // With `all` a list is wanted (nodejs.org/api/dns, "dns.lookup").
      if (options.all === true) callback(null, [{ address, family: 4 }]);
      else callback(null, address, 4);
    });
  };
}

/** A client of the cluster of `make up`. */
export async function openClient(): Promise<ApiClient & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'e2e-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, await kind(['get', 'kubeconfig', '--name', clusterName]), { mode: 0o600 });
  const client = createApiClient({ userAgent: 'e2e', kubeconfig });
  const close = async (): Promise<void> => {
    await client.close();
    await rm(folder, { recursive: true });
  };
  return { ...client, close, [Symbol.asyncDispose]: close };
}
