import { isApiError } from './client.ts';
import type { ApiClient } from './client.ts';
import { mergeConditions } from './conditions.ts';
import { sameJson } from './json.ts';
import type { Condition, Kind, KubernetesObject, Millis } from './objects.ts';
import { objectPath } from './paths.ts';
import type { Outcome } from './reconciler.ts';

interface Status {
  readonly conditions?: readonly Condition[];
}

export function statusOf(object: KubernetesObject): Status {
  return (object as KubernetesObject & { readonly status?: Status }).status ?? {};
}

export interface StatusOptions {
  readonly now: Millis;
  /** Every condition type of the kind, in the order they are stored. */
  readonly types: readonly string[];
}

/** The status that the outcome makes of the stored one; undefined when that says it all already. */
export function nextStatus(
  object: KubernetesObject,
  outcome: Outcome,
  { now, types }: StatusOptions,
): Record<string, unknown> | undefined {
  const { conditions = [], ...fields } = statusOf(object);
  const generation = object.metadata.generation ?? 0;
  const status = withoutUndefined({
    ...fields,
    ...outcome.status,
    observedGeneration: generation,
    conditions: mergeConditions(conditions, outcome.conditions, { now, generation, types }),
  });
  // Types that others put beside ours are theirs.
  const ours = { ...fields, conditions: conditions.filter(({ type }) => types.includes(type)) };
  return sameJson(status, ours) ? undefined : status;
}

export interface StatusPorts<T extends KubernetesObject> {
  readonly client: ApiClient;
  readonly kind: Kind<T>;
  readonly fieldManager: string;
}

/** The object as it is with that status; undefined when it is no more. */
export async function applyStatus<T extends KubernetesObject>(
  { apiVersion, kind, metadata: { name, namespace, uid } }: T,
  status: Readonly<Record<string, unknown>>,
  ports: StatusPorts<T> & { readonly signal: AbortSignal },
): Promise<T | undefined> {
  const ref = { name, ...(namespace !== undefined && { namespace }) };
  try {
    return await ports.client.send<T>({
      method: 'PATCH',
      path: `${objectPath(ports.kind, ref)}/status`,
      query: { fieldManager: ports.fieldManager, force: 'true' },
      // The uid: a status must never land on another object of the same name.
      body: { apiVersion, kind, metadata: { ...ref, uid }, status },
      contentType: 'application/apply-patch+yaml',
      signal: ports.signal,
    });
  } catch (error) {
    if (isApiError(error, 404)) return undefined;
    throw error;
  }
}

function withoutUndefined(value: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}
