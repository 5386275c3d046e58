import type { Observation, ConfigMember } from '@authstack/mongodb-agent/api';
import type { AgentAddress } from '../../agents/client.ts';
import type { AuthStack } from '../../api/auth-stack.ts';
import type { KubernetesAction } from '../../runtime/cluster.ts';
import type { PersistentVolumeClaim, Pod, StatefulSet } from '../../runtime/core-kinds.ts';
import type { KubernetesObject, Millis } from '../../runtime/objects.ts';
import type { SeenIdentity } from '../../stored/identity.ts';

export interface MongodbImages {
  readonly agent: string;
  /** By `spec.mongodb.version`. */
  readonly mongodb: Readonly<Record<string, string>>;
  readonly defaultVersion: string;
  readonly pullPolicy: string;
}

/** A Secret with generated content. */
export type SeenSecret =
  | { readonly state: 'absent' }
  | { readonly state: 'foreign' }
  | { readonly state: 'present'; readonly resourceVersion: string };

export type SeenUriSecret = SeenSecret & { readonly isCurrent?: boolean };

/** What one member's agent said; `unknown` when it could not be asked, which is never taken for anything else. */
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

/** Everything the plan may look at, already read; there is nothing in here to await. */
export interface MongodbObservation {
  readonly stack: AuthStack;
  readonly now: Millis;
  readonly images: MongodbImages;
  readonly identity: SeenIdentity;
  readonly keyfile: SeenSecret;
  readonly rootUser: SeenSecret;
  readonly authUser: SeenUriSecret;
  readonly hasAgentCertificate: boolean;
  readonly statefulSet?: StatefulSet;
  readonly budget?: KubernetesObject;
  /** By ordinal: those of the spec, and any further ones that have a claim or a pod. */
  readonly members: readonly Member[];
  /** Of the volumes, as far as it can be told: whether its provisioner exists. */
  readonly storageClass: 'present' | 'missing' | 'noDefault' | 'notLooked';
  /** Whether the StorageClass of the volumes lets them grow. */
  readonly volumesCanGrow: boolean | 'notLooked';
}

export type MongodbAction = KubernetesAction | MongodbOwnAction;

export type MongodbOwnAction =
  | { readonly type: 'createKeyfile'; readonly stack: AuthStack }
  /** Makes the keyfile's Secret again from what a member has read. */
  | { readonly type: 'recoverKeyfile'; readonly stack: AuthStack; readonly member: ReachableMember }
  | { readonly type: 'createUser'; readonly stack: AuthStack; readonly user: 'root' | 'auth' }
  /** Writes the hosts of the members into the auth user's URI. */
  | { readonly type: 'refreshUri'; readonly stack: AuthStack }
  | { readonly type: 'release'; readonly stack: AuthStack; readonly member: ReachableMember; readonly pvcUid: string }
  | { readonly type: 'initiate'; readonly stack: AuthStack; readonly member: ReachableMember; readonly pvcUid: string }
  | {
      readonly type: 'reconfigure';
      readonly stack: AuthStack;
      /** The primary. */
      readonly member: ReachableMember;
      readonly expectedVersion: number;
      readonly members: readonly ConfigMember[];
    }
  | { readonly type: 'stepDown'; readonly stack: AuthStack; readonly member: ReachableMember }
  | {
      readonly type: 'fence';
      readonly stack: AuthStack;
      readonly member: ReachableMember;
      readonly pvcUid: string;
      readonly fenced: boolean;
    }
  | { readonly type: 'wipe'; readonly stack: AuthStack; readonly member: ReachableMember; readonly pvcUid: string }
  | {
      readonly type: 'raiseCompatibility';
      readonly stack: AuthStack;
      readonly member: ReachableMember;
      readonly version: string;
    }
  /** Puts the stored credentials into the database, and then `then`, which records that, into the identity. */
  | {
      readonly type: 'ensureUsers';
      readonly stack: AuthStack;
      readonly member: ReachableMember;
      readonly then: KubernetesAction;
    };

/** A member that can be called. */
export interface ReachableMember extends AgentAddress {
  readonly host: string;
}

export type DatabaseReadyReason =
  | 'AllMembersHealthy'
  | 'Degraded'
  | 'UpgradePending'
  | 'Hibernated'
  | 'Founding'
  | 'Starting'
  | 'CreatingUsers'
  | 'NoPrimary'
  | 'MembersUnreachable'
  | 'IdentityNotOwned'
  | 'IdentityMalformed'
  | 'SecretNotOwned'
  | 'KeyfileLost'
  | 'KeyfileRefused'
  | 'AdoptionRefused'
  | 'VersionNotOffered'
  | 'VersionRefused'
  | 'VolumeFull'
  | 'VolumeCannotGrow'
  | 'MemberFenced'
  | 'RequestInvalid'
  | 'ForeignData'
  | 'VolumeUnreadable'
  | 'VolumeBeingDeleted'
  | 'DataLossSuspected'
  | 'StorageClassNotFound'
  | 'VolumePending'
  | 'ImageNotPullable'
  | 'ImageUnfit'
  | 'ContainerCrashes'
  | 'PodUnschedulable'
  | 'WaitingForCertificates';

export interface MongodbStatus {
  readonly mongodb: {
    readonly replicaSetId?: string;
    readonly primary?: string;
    readonly version?: string;
    readonly featureCompatibilityVersion?: string;
    readonly members: readonly MemberStatus[];
  };
}

export interface MemberStatus {
  readonly name: string;
  readonly state: string;
  readonly health: 'Healthy' | 'Unhealthy' | 'Unknown';
  readonly optimeLagSeconds?: number;
}
