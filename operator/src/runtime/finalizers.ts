import { isApiError } from './client.ts';
import type { ApiClient } from './client.ts';
import type { Kind, KubernetesObject } from './objects.ts';
import { objectPath } from './paths.ts';

export interface FinalizerPorts<T extends KubernetesObject> {
  readonly client: ApiClient;
  readonly kind: Kind<T>;
  readonly fieldManager: string;
  readonly finalizer: string;
}

export function hasFinalizer({ metadata }: KubernetesObject, finalizer: string): boolean {
  return metadata.finalizers?.includes(finalizer) ?? false;
}

/** The object as it is with the finalizer. */
export async function addFinalizer<T extends KubernetesObject>(
  object: T,
  ports: FinalizerPorts<T>,
  signal: AbortSignal,
): Promise<T> {
  const finalizers = [...(object.metadata.finalizers ?? []), ports.finalizer];
  return hasFinalizer(object, ports.finalizer) ? object : patch(object, { ...ports, finalizers }, signal);
}

/** Lets a deleted object go, as far as it is held by us. */
export async function removeFinalizer<T extends KubernetesObject>(
  object: T,
  ports: FinalizerPorts<T>,
  signal: AbortSignal,
): Promise<void> {
  const finalizers = (object.metadata.finalizers ?? []).filter((other) => other !== ports.finalizer);
  try {
    await patch(object, { ...ports, finalizers }, signal);
  } catch (error) {
    // It is gone already; the watch will report that.
    if (!isApiError(error, 404)) throw error;
  }
}

/** Bound to the version that was seen, so that no other finalizer is lost. */
function patch<T extends KubernetesObject>(
  { metadata }: T,
  { client, kind, fieldManager, finalizers }: FinalizerPorts<T> & { readonly finalizers: readonly string[] },
  signal: AbortSignal,
): Promise<T> {
  return client.send<T>({
    method: 'PATCH',
    path: objectPath(kind, metadata),
    query: { fieldManager },
    body: { metadata: { uid: metadata.uid, resourceVersion: metadata.resourceVersion, finalizers } },
    contentType: 'application/merge-patch+json',
    signal,
  });
}
