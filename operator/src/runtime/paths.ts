import type { Kind, ObjectRef } from './objects.ts';

/** Where the API server keeps the objects of a kind, of one namespace or of all. */
export function collectionPath(kind: Kind, namespace?: string): string {
  const group = kind.apiVersion.includes('/') ? `/apis/${kind.apiVersion}` : `/api/${kind.apiVersion}`;
  return namespace === undefined || !kind.namespaced
    ? `${group}/${kind.plural}`
    : `${group}/namespaces/${namespace}/${kind.plural}`;
}

export function objectPath(kind: Kind, { namespace, name }: ObjectRef): string {
  return `${collectionPath(kind, namespace)}/${name}`;
}

/** Tells kinds apart, whatever object describes them. */
export function kindKey({ apiVersion, kind }: Pick<Kind, 'apiVersion' | 'kind'>): string {
  return `${apiVersion} ${kind}`;
}
