import { isReady } from '../../operator/src/auth-pods/prober.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import { podKind, serviceKind } from '../../operator/src/runtime/core-kinds.ts';
import type { Pod } from '../../operator/src/runtime/core-kinds.ts';
import type { Kind, KubernetesObject, ObjectRef } from '../../operator/src/runtime/objects.ts';
import { collectionPath } from '../../operator/src/runtime/paths.ts';

export interface Service extends KubernetesObject {
  readonly spec?: { readonly selector?: Readonly<Record<string, string>> };
}

/** Names of pods, at one revision of etcd. */
interface Served {
  /** They are ready, and not Terminating. */
  readonly ready: ReadonlySet<string>;
  /** Those of them that the Service sends to. */
  readonly served: ReadonlySet<string>;
}

export interface Lost {
  /** Ready all the time; the Service sent to them before this revision and sends to them no more. */
  readonly pods: readonly string[];
  /** The Service has no other pod to send to. */
  readonly wereLast: boolean;
}

interface Look {
  readonly service: ObjectRef;
  readonly revision: bigint;
  readonly signal: AbortSignal;
}

/**
 * What one write has taken from a Service: judged by etcd's state before and after that very write, for of two watches none says
 * which change came first.
 */
export async function podsLostAt(client: ApiClient, { revision, ...look }: Look): Promise<Lost> {
  const [before, after] = await Promise.all(
    [revision - 1n, revision].map((at) => servedAt(client, { ...look, revision: at })),
  );
  if (!before || !after) throw new TypeError('two revisions were looked at');
  const pods = [...before.served].filter((name) => after.ready.has(name) && !after.served.has(name));
  return { pods, wereLast: pods.length > 0 && after.served.size === 0 };
}

async function servedAt(client: ApiClient, { service, revision, signal }: Look): Promise<Served> {
  const query = { resourceVersion: String(revision), resourceVersionMatch: 'Exact' };
  const list = async <T extends KubernetesObject>(kind: Kind<T>): Promise<readonly T[]> => {
    const path = collectionPath(kind, service.namespace);
    return (await client.send<{ readonly items: readonly T[] }>({ method: 'GET', path, query, signal })).items;
  };
  const [pods, services] = await Promise.all([list(podKind), list<Service>(serviceKind as Kind<Service>)]);
  const selector = services.find(({ metadata }) => metadata.name === service.name)?.spec?.selector;
  const ready = pods.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined);
  const served = selector ? ready.filter((pod) => isSelected(pod, selector)) : [];
  return { ready: namesIn(ready), served: namesIn(served) };
}

function isSelected({ metadata: { labels = {} } }: Pod, selector: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

function namesIn(pods: readonly Pod[]): ReadonlySet<string> {
  return new Set(pods.map(({ metadata }) => metadata.name));
}
