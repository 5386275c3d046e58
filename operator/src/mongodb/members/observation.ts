import type { Observation } from '@authstack/mongodb-agent/api';
import type { AuthStack } from '../../api/auth-stack.ts';
import type { PersistentVolumeClaim, Pod, StatefulSet } from '../../runtime/core-kinds.ts';
import type { KubernetesObject, Millis } from '../../runtime/objects.ts';
import type { SeenIdentity } from '../../stored/identity.ts';
import type { PodsNotCreated } from '../../workloads/pods-not-created.ts';

export interface MongodbImages {
  readonly agent: string;
  /** By `spec.mongodb.version`. */
  readonly mongodb: Readonly<Record<string, string>>;
  readonly defaultVersion: string;
  readonly pullPolicy: string;
}

/** A Secret with generated content; what is secret in it is not part of what is observed. */
export type SeenSecret =
  | { readonly state: 'absent' }
  | { readonly state: 'foreign' }
  | { readonly state: 'malformed'; readonly why: string }
  | { readonly state: 'present' };

/** A Secret with the credentials of a database user. */
export type SeenUser =
  | Exclude<SeenSecret, { state: 'present' }>
  | {
      readonly state: 'present';
      /** Other credentials have another one. */
      readonly fingerprint: string;
      /** Its connection string names the members of the spec. */
      readonly isCurrent: boolean;
    };

/** What one member's agent reported; `unknown` when it could not be asked, which is never taken for anything else. */
export type SeenAgent = Observation | 'unknown';

export interface Member {
  readonly ordinal: number;
  /** Of pod and member, `shop-mongodb-0`. */
  readonly name: string;
  /** In the configuration, `shop-mongodb-0.shop-mongodb.auth.svc:27017`. */
  readonly host: string;
  readonly claim?: PersistentVolumeClaim;
  readonly pod?: Pod;
  readonly agent: SeenAgent;
  /** The Node that its volume is on was deleted. */
  readonly isNodeGone?: true;
}

/** The member that was primary when a pass last saw one, in the newest term that is known of. */
export interface LastPrimary {
  readonly name: string;
  readonly host: string;
  readonly term: number;
  /** Positive evidence that the mongod which was primary does not run any more; silence is none. */
  readonly ended?: 'mongod' | 'pod';
}

/** Everything the plan may look at, already read; there is nothing in here to await. */
export interface MongodbObservation {
  readonly stack: AuthStack;
  readonly now: Millis;
  readonly images: MongodbImages;
  readonly identity: SeenIdentity;
  readonly keyfile: SeenSecret;
  readonly rootUser: SeenUser;
  readonly authUser: SeenUser;
  readonly hasAgentCertificate: boolean;
  readonly statefulSet?: StatefulSet;
  /** Kubernetes is refused pods of the StatefulSet. */
  readonly podsNotCreated?: PodsNotCreated;
  readonly budget?: KubernetesObject;
  /** By ordinal: those of the spec, and any further ones that have a claim or a pod. */
  readonly members: readonly Member[];
  /** Absent: none was seen since this operator began to lead, or nobody wants to know. */
  readonly lastPrimary?: LastPrimary;
  /** Objects that have the name of ours and lack our labels, so that no watch shows them. */
  readonly unlabelled: readonly { readonly kind: string; readonly name: string }[];
  /** Of the volumes, as far as it can be known: whether their provisioner exists. */
  readonly storageClass: 'present' | 'missing' | 'noDefault' | 'notLooked';
  /** Whether the StorageClass of the volumes lets them grow. */
  readonly volumesCanGrow: boolean | 'notLooked';
}
