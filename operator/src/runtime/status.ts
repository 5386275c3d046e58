import { ApiError, isApiError } from './client.ts';
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
  /** Further types, stored only while True. */
  readonly transientTypes?: readonly string[];
}

/** The status that the outcome makes of the stored one; undefined when that is the stored one. */
export function nextStatus(
  object: KubernetesObject,
  outcome: Outcome,
  { now, types, transientTypes = [] }: StatusOptions,
): Record<string, unknown> | undefined {
  const { conditions = [], ...fields } = statusOf(object);
  const generation = object.metadata.generation ?? 0;
  const status = withoutUndefined({
    ...fields,
    ...outcome.status,
    observedGeneration: generation,
    conditions: mergeConditions(conditions, outcome.conditions, { now, generation, types, transientTypes }),
  });
  // Types that others put beside ours are theirs.
  const ours = { ...fields, conditions: conditions.filter(({ type }) => [...types, ...transientTypes].includes(type)) };
  return sameJson(status, ours) ? undefined : status;
}

export interface StatusPorts<T extends KubernetesObject> {
  readonly client: ApiClient;
  readonly kind: Kind<T>;
  readonly fieldManager: string;
}

/** The object as it is with that status; undefined when it is no more. */
export async function applyStatus<T extends KubernetesObject>(
  object: T,
  status: Readonly<Record<string, unknown>>,
  ports: StatusPorts<T> & { readonly signal: AbortSignal },
): Promise<T | undefined> {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace, uid } = metadata;
  const ref = { name, ...(namespace !== undefined && { namespace }) };
  const { client, fieldManager, signal } = ports;
  const path = `${objectPath(ports.kind, ref)}/status`;
  try {
    return await client.send<T>({
      method: 'PATCH',
      path,
      query: { fieldManager, force: 'true' },
      // The uid: a status must never land on another object of the same name.
      body: { apiVersion, kind, metadata: { ...ref, uid }, status },
      contentType: 'application/apply-patch+yaml',
      signal,
    });
  } catch (error) {
    if (isApiError(error, 404)) return undefined;
    if (!hasInvalidFields(error)) throw error;
  }
  // Bound to the version that was seen: a merge replaces the whole list of conditions, with those of others.
  const body = { metadata: { uid, resourceVersion: metadata.resourceVersion }, status: withTheirs(object, status) };
  return client.send<T>({
    method: 'PATCH',
    path,
    query: { fieldManager },
    body,
    contentType: 'application/merge-patch+json',
    signal,
  });
}

/**
 * What is stored does not fit the schema of today, so the API server cannot tell whose field is whose and applies nothing
 * to it, not even a status.
 */
function hasInvalidFields(error: unknown): boolean {
  // `failed to create typed live object`, or `failed to convert … to smd typed` where nobody manages a field.
  return error instanceof ApiError && /failed to .*\btyped\b/.test(error.message);
}

function withTheirs(object: KubernetesObject, status: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { conditions: ours = [] } = status as Status;
  const theirs = (statusOf(object).conditions ?? []).filter(({ type }) => ours.every((one) => one.type !== type));
  return { ...status, conditions: [...ours, ...theirs] };
}

function withoutUndefined(value: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}
