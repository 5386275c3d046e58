import type { Kind, ObjectRef } from './objects.ts';

/** Where the API server keeps the objects of a kind, of one namespace or of all. */
export function collectionPath(kind: Kind, namespace?: string): string {
  const group = groupPath(kind);
  return namespace === undefined || !kind.namespaced
    ? `${group}/${kind.plural}`
    : `${group}/namespaces/${namespace}/${kind.plural}`;
}

/**
 * Changes of the one object of that name, of a kind that is in no namespace. The path is deprecated in favour of a field
 * selector and as stable as v1 itself; only by it RBAC sees that a watch of a Namespace concerns that very Namespace.
 */
export function watchOnePath(kind: Kind, name: string): string {
  return `${groupPath(kind)}/watch/${kind.plural}/${name}`;
}

function groupPath({ apiVersion }: Kind): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

export function objectPath(kind: Kind, { namespace, name }: ObjectRef): string {
  return `${collectionPath(kind, namespace)}/${name}`;
}

/** Tells kinds apart, whatever object describes them. */
export function kindKey({ apiVersion, kind }: Pick<Kind, 'apiVersion' | 'kind'>): string {
  return `${apiVersion} ${kind}`;
}
