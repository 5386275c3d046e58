/** Shapes that every Kubernetes object has (k8s.io/apimachinery meta/v1), as they travel in JSON. */

/** Milliseconds since the Unix epoch, or a length of time in milliseconds; the name shows which. */
export type Millis = number;

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339. */
  readonly creationTimestamp?: string;
  /** RFC 3339; present once deletion was asked for. */
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  /** Of cached objects only the entries of the scale subresource. */
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

export interface ManagedFieldsEntry {
  readonly manager: string;
  readonly subresource?: string;
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** A kind and where the API server keeps its objects; `T` is the shape of one of them. */
export interface Kind<T extends KubernetesObject = KubernetesObject> {
  /** `group/version`, or `v1` of the core group. */
  readonly apiVersion: string;
  readonly kind: string;
  /** The name in paths, `statefulsets`. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set: it ties `T` to the value, so that reading a kind gives its shape. */
  readonly shape?: T;
}

/** Which object of a kind. Cluster-scoped objects have no namespace. */
export interface ObjectRef {
  readonly namespace?: string;
  readonly name: string;
}

export type ConditionStatus = 'True' | 'False' | 'Unknown';

/** One condition as the API server stores it (meta/v1 Condition). */
export interface Condition {
  type: string;
  status: ConditionStatus;
  reason: string;
  message: string;
  /** RFC 3339; changes only when `status` does. */
  lastTransitionTime: string;
  observedGeneration?: number | undefined;
}

/** The key of an object in queues and stores: `namespace/name`, or `name` for cluster-scoped objects. */
export function keyOf({ namespace, name }: ObjectRef): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The reverse of `keyOf`. */
export function refOf(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** For the `default` of a switch over a union: compiles only while every member is handled. */
export function unreachable(value: never): never {
  throw new TypeError(`unhandled ${JSON.stringify(value)}`);
}
