import type { KubernetesObject, OwnerReference } from './objects.ts';

/**
 * The one reference an object has to what controls it. Kubernetes' garbage collector takes an object whose owner is in
 * another namespace for an orphan and deletes it, so that is refused here.
 */
export function controllerReference(owner: KubernetesObject, namespace: string | undefined): OwnerReference {
  const { apiVersion, kind, metadata } = owner;
  if (metadata.uid === undefined) {
    throw new Error(`own by ${kind} ${metadata.name}: it has no uid, so it was never stored`);
  }
  if (metadata.namespace !== undefined && metadata.namespace !== namespace) {
    throw new Error(
      `own by ${kind} ${metadata.namespace}/${metadata.name}: an object in ${namespace ?? 'no namespace'} cannot have an ` +
        'owner in another; use labels and a finalizer',
    );
  }
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true, blockOwnerDeletion: true };
}

/** The object with that owner; one that somebody else controls is refused. */
export function controlledBy<T extends KubernetesObject>(object: T, owner: KubernetesObject): T {
  const { ownerReferences = [], namespace, name } = object.metadata;
  const reference = controllerReference(owner, namespace);
  const other = ownerReferences.find(({ controller, uid }) => controller === true && uid !== reference.uid);
  if (other) throw new Error(`own ${object.kind} ${name}: ${other.kind} ${other.name} controls it already`);
  const others = ownerReferences.filter(({ uid }) => uid !== reference.uid);
  return { ...object, metadata: { ...object.metadata, ownerReferences: [...others, reference] } };
}
