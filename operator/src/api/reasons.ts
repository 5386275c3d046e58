import type { ConditionStatus } from '../runtime/objects.ts';

/**
 * Every reason a condition can have: what was observed when it is set, and what a person does about it. The unions of
 * the plans and the tables of docs/reference/conditions.md come from here, so a reason that is not listed does not compile.
 */
export interface Row {
  /** The statuses that the condition may have with this reason. */
  readonly status: ConditionStatus | readonly ConditionStatus[];
  readonly seen: string;
  /** Absent: nothing; it passes by itself or is the good state. */
  readonly do?: string;
  /**
   * How the operator notices that a person has done it: by its watches of these kinds, or because the runtime retries a
   * pass or a watch that failed. Absent: nothing announces it, so the plan asks for a pass every `LOOK_AGAIN`.
   */
  readonly noticed?: readonly WatchedKind[] | 'retry';
}

export type WatchedKind =
  'AuthStack' | 'AuthConsumer' | 'Namespace' | 'Secret' | 'Pod' | 'PersistentVolumeClaim' | 'Deployment';

type Table = Readonly<Record<string, Row>>;

/** Set by the runtime for a condition that no pass has reported yet. */
const notEvaluated = { status: 'Unknown', seen: 'The operator has not evaluated this yet.' } as const;

const databaseReady = {
  NotEvaluated: notEvaluated,
  AllMembersHealthy: { status: 'True', seen: 'Every member is healthy and votes.' },
  Degraded: {
    status: 'True',
    seen: 'A majority acknowledges writes. The message names the members that are missing and what the operator does about them.',
    do: 'What the message says.',
  },
  MembershipChanging: {
    status: 'True',
    seen: 'Every member that was asked for so far is healthy; the operator adds or removes one at a time.',
  },
  UpgradePending: {
    status: 'True',
    seen: 'Every member is healthy. A pod template change waits for approval, or the rolling restart is under way.',
    do: 'The command in the message, where it asks for approval.',
    noticed: ['AuthStack'],
  },
  VersionRefused: {
    status: 'True',
    seen: 'Every member is healthy. `spec.mongodb.version` is out of reach from the stored feature compatibility version.',
    do: 'Set one of the versions in the message.',
    noticed: ['AuthStack'],
  },
  VolumeCannotGrow: {
    status: 'True',
    seen: 'A larger size was requested, and the StorageClass does not allow expansion.',
    do: 'Set `allowVolumeExpansion`, or replace the members one by one.',
  },
  RequestInvalid: {
    status: 'True',
    seen: 'An annotation names no member.',
    do: 'Correct or remove the annotation.',
    noticed: ['AuthStack'],
  },
  ForeignMembers: {
    status: 'True',
    seen: 'The replica set has members that the operator did not add. It neither counts nor removes them.',
    do: 'Remove them with `rs.remove()`, unless they are there on purpose.',
  },
  Hibernated: {
    status: 'False',
    seen: '`spec.mongodb.hibernate` is true: no member runs, the volumes stay.',
    do: 'Set `spec.mongodb.hibernate: false` to resume.',
    noticed: ['AuthStack'],
  },
  Initiating: { status: 'False', seen: 'The operator initiates the replica set on the first member.' },
  Starting: { status: 'False', seen: 'Members are starting.' },
  CreatingUsers: { status: 'False', seen: 'The operator stores the credentials and creates the database users.' },
  WaitingForCertificates: { status: 'False', seen: "The certificate of the members' agents does not exist yet." },
  NoPrimary: {
    status: 'False',
    seen: 'Members answer and none is primary. The message lists the state of each.',
    do: 'Bring back a majority of the members.',
  },
  MembersUnreachable: {
    status: ['Unknown', 'False'],
    seen: 'Agents run and do not answer the operator on port 9443.',
    do: 'Check NetworkPolicies and firewalls between the operator and the members.',
  },
  MemberFenced: {
    status: 'False',
    seen: '`authstack.dev/fence-member` holds a member, and others are missing.',
    do: 'Remove the annotation.',
    noticed: ['AuthStack'],
  },
  StorageClassNotFound: {
    status: 'False',
    seen: 'The StorageClass that is named, or a default one, does not exist.',
    do: 'Create it, or name another.',
  },
  VolumePending: {
    status: 'False',
    seen: 'A PersistentVolumeClaim has been Pending for 30 s.',
    do: 'The `kubectl describe pvc` in the message.',
    noticed: ['PersistentVolumeClaim'],
  },
  VolumeBeingDeleted: {
    status: 'False',
    seen: 'A PersistentVolumeClaim is Terminating and a pod still uses it.',
    do: 'The command in the message.',
    noticed: ['Pod', 'PersistentVolumeClaim'],
  },
  VolumeUnreadable: {
    status: 'False',
    seen: 'A volume is neither empty nor readable, so mongod does not start on it.',
    do: 'Repair it, or resync the member.',
  },
  VolumeFull: {
    status: ['True', 'False'],
    seen: 'True: a volume is 90 % full. False: a volume is full and mongod cannot run on it.',
    do: 'Raise `spec.mongodb.storage.size`.',
  },
  ImageUnfit: {
    status: 'False',
    seen: 'The image has no mongod, or one of another version. It was not started, and the data was not touched.',
    do: "Set `spec.mongodb.image`, or the chart's `mongodb.images`.",
    noticed: ['AuthStack'],
  },
  ImageNotPullable: {
    status: 'False',
    seen: "The kubelet cannot pull a member's image.",
    do: 'What the message says.',
    noticed: ['Pod', 'AuthStack'],
  },
  ContainerConfigInvalid: {
    status: 'False',
    seen: 'The kubelet cannot create a container of a member.',
    do: 'The `kubectl describe` in the message.',
    noticed: ['Pod'],
  },
  ContainerCrashes: {
    status: 'False',
    seen: 'A container of a member ends again and again.',
    do: 'The `kubectl logs` in the message.',
    noticed: ['Pod'],
  },
  NotReady: {
    status: 'False',
    seen: 'A member runs and is not ready.',
    do: 'The `kubectl logs` in the message.',
    noticed: ['Pod'],
  },
  PodUnschedulable: {
    status: 'False',
    seen: 'The scheduler finds no node for a member.',
    do: 'Make room, or lower `spec.mongodb.resources`.',
    noticed: ['Pod', 'AuthStack'],
  },
  PodsNotCreated: {
    status: 'False',
    seen: 'A quota, a LimitRange or an admission policy refuses the pods.',
    do: 'What the message says.',
  },
  ObjectRefused: {
    status: ['True', 'False'],
    seen: 'The API server refuses an object of the database for good (422). True: what runs still serves.',
    do: 'Correct the field that the message names.',
  },
  ObjectNotLabelled: {
    status: 'False',
    seen: 'An object with our name exists and lacks our label, so the operator does not see it as its own.',
    do: 'The `kubectl label` in the message.',
  },
  VersionNotOffered: {
    status: ['True', 'False'],
    seen: 'The chart has no image of that MongoDB version.',
    do: "Set the chart's `mongodb.images`, or `spec.mongodb.image`.",
    noticed: ['AuthStack'],
  },
  AdoptionRefused: {
    status: 'False',
    seen: 'The stack was created again and asks for something else than its volumes hold.',
    do: 'Set the field to the value in the message.',
    noticed: ['AuthStack'],
  },
  DataLossSuspected: {
    status: 'False',
    seen: 'The volumes of a majority are empty although a replica set was initiated on them. Nothing starts anew.',
    do: 'Bring the volumes back, or accept the loss as the message says.',
  },
  ForeignData: {
    status: 'False',
    seen: 'A volume belongs to another replica set, or was used before.',
    do: 'Keep the claims of one replica set.',
  },
  KeyfileLost: {
    status: 'False',
    seen: '`<stack>-mongodb-keyfile` is gone, and no running member has it.',
    do: 'Restore the Secret.',
  },
  KeyfileRefused: {
    status: 'False',
    seen: "A member runs with another keyfile than the Secret's.",
    do: 'Compare them as the message says.',
  },
  IdentityNotOwned: {
    status: 'False',
    seen: '`<stack>-mongodb-identity` exists and does not belong to the stack.',
    do: 'Label, rename or delete it, as the message says.',
  },
  IdentityMalformed: {
    status: 'False',
    seen: '`<stack>-mongodb-identity` cannot be read.',
    do: 'Restore it, or delete it to have it rebuilt from what the members report.',
    noticed: ['Secret'],
  },
  SecretNotOwned: {
    status: 'False',
    seen: 'A Secret with a name of ours exists and does not belong to the stack.',
    do: 'Label, rename or delete it, as the message says.',
  },
  SecretMalformed: {
    status: 'False',
    seen: 'The Secret of the keyfile or of a database user cannot be read.',
    do: 'Restore it, or delete it to have it recovered from the members.',
  },
  External: {
    status: 'True',
    seen: '`spec.mongodb.external` names a database of your own, and it answers the pods of the auth service.',
  },
  ExternalUnreachable: {
    status: 'False',
    seen: "The external database answers no pod. The message has the driver's own words.",
    do: 'Check the database, the network path, and the credentials in the Secret.',
  },
  ExternalNotTried: {
    status: 'Unknown',
    seen: 'No pod of the auth service has tried the external database yet.',
    do: 'See `AuthReady` for why there is none.',
  },
} as const satisfies Table;

const keysReady = {
  NotEvaluated: notEvaluated,
  UpToDate: { status: 'True', seen: 'One key signs, and the next key is published.' },
  RotationDelayed: {
    status: 'True',
    seen: 'The active key is due, and caches may still lack the next key. The message says until when.',
  },
  RotationSuspended: {
    status: 'True',
    seen: 'A change of the keys is due, and `spec.suspend` is true, so the operator changes nothing.',
    do: 'Set `spec.suspend: false`.',
    noticed: ['AuthStack'],
  },
  RotationBlocked: {
    status: 'False',
    seen: 'The copies of the named consumers lack the next key, or their namespace cannot be watched, so the active key continues to sign.',
    do: 'The command in the message.',
    noticed: ['AuthConsumer', 'Secret'],
  },
  CreatingKeys: { status: 'False', seen: 'The operator creates the first keys.' },
  SigningKeysLost: {
    status: 'False',
    seen: '`<stack>-signing-keys` is gone. Auth pods sign from memory until every verifier can hold the new key.',
    do: 'Nothing, or restore the Secret.',
  },
  ClockSkew: {
    status: 'False',
    seen: "The key ring holds a time that lies ahead of the operator's clock.",
    do: 'Check the clocks of the nodes.',
  },
  SecretNotOwned: {
    status: 'False',
    seen: 'A Secret with the name of the key ring or of the public keys exists and does not belong to the stack.',
    do: 'Label, rename or delete it, as the message says.',
  },
  SecretMalformed: {
    status: 'False',
    seen: 'The key ring cannot be read; the operator does not touch it.',
    do: 'Restore it, or delete it to start with new keys.',
    noticed: ['Secret'],
  },
  ObjectRefused: {
    status: ['True', 'False'],
    seen: 'The API server refuses a Secret of the keys for good (422). True: a key still signs.',
    do: 'Correct what the message names.',
  },
} as const satisfies Table;

const authReady = {
  NotEvaluated: notEvaluated,
  AllReplicasAvailable: { status: 'True', seen: 'Every pod of the auth service is available.' },
  SomeReplicasUnavailable: {
    status: 'True',
    seen: 'Some pods are available. The message explains the others.',
    do: 'What the message says.',
    noticed: ['Pod', 'Deployment'],
  },
  RollingOut: { status: 'True', seen: 'New pods start; the old ones serve until they are ready.' },
  Starting: { status: 'False', seen: 'No pod is ready yet.' },
  DatabaseUriNotFound: {
    status: 'False',
    seen: 'The Secret of `spec.mongodb.external.uriSecretRef`, or its key, does not exist.',
    do: 'Create it.',
  },
  DatabaseNotRead: {
    status: 'Unknown',
    seen: 'The operator cannot read the external database, so it does not know whether users exist and creates no pepper.',
    do: 'What the message says.',
  },
  WaitingForDatabase: {
    status: 'False',
    seen: 'The database has no user for the auth service yet.',
    do: 'See `DatabaseReady`.',
    noticed: ['Secret'],
  },
  WaitingForSigningKeys: {
    status: 'False',
    seen: 'There is no key ring yet.',
    do: 'See `KeysReady`.',
    noticed: ['Secret'],
  },
  InitialAdminSecretNotFound: {
    status: 'False',
    seen: '`spec.auth.initialAdmin.secretRef` names a Secret that does not exist. The service runs without it.',
    do: 'Create it, or remove the field.',
  },
  InitialAdminSecretIncomplete: {
    status: 'False',
    seen: 'The Secret of the initial admin lacks `email` or `password`.',
    do: 'Add it.',
  },
  ImageNotPullable: {
    status: 'False',
    seen: 'The kubelet cannot pull the image.',
    do: "Set `spec.auth.image`, or the chart's `image.auth`.",
    noticed: ['Pod', 'AuthStack'],
  },
  ContainerConfigInvalid: {
    status: 'False',
    seen: 'The kubelet cannot create the container.',
    do: 'The `kubectl describe` in the message.',
    noticed: ['Pod'],
  },
  ContainerCrashes: {
    status: 'False',
    seen: 'The container ends again and again.',
    do: 'The `kubectl logs` in the message.',
    noticed: ['Pod'],
  },
  NotReady: {
    status: 'False',
    seen: 'The container runs, and `/readyz` does not answer 200.',
    do: 'The `kubectl logs` in the message.',
    noticed: ['Pod'],
  },
  PodUnschedulable: {
    status: 'False',
    seen: 'The scheduler finds no node for a pod.',
    do: 'Make room, or lower `spec.auth.resources`.',
    noticed: ['Pod', 'AuthStack'],
  },
  PodsNotCreated: {
    status: 'False',
    seen: 'A quota, a LimitRange or an admission policy refuses the pods.',
    do: 'What the message says.',
  },
  ObjectRefused: {
    status: ['True', 'False'],
    seen: 'The API server refuses an object of the auth service for good (422). True: pods still serve.',
    do: 'Correct the field that the message names.',
  },
  SecretLost: {
    status: 'False',
    seen: '`<stack>-auth-secrets` is gone although the stack has started before.',
    do: 'Restore it from a backup. The operator creates no new one: every stored password needs its pepper.',
  },
  SecretMalformed: {
    status: 'False',
    seen: '`<stack>-auth-secrets` cannot be read; the operator does not touch it.',
    do: 'Restore it from a backup.',
    noticed: ['Secret'],
  },
  SecretNotOwned: {
    status: 'False',
    seen: '`<stack>-auth-secrets` exists and does not belong to the stack.',
    do: 'Label, rename or delete it, as the message says.',
  },
} as const satisfies Table;

const consumersInSync = {
  NotEvaluated: notEvaluated,
  AllInSync: { status: 'True', seen: 'Every copy holds the current keys.' },
  NoConsumers: { status: 'True', seen: 'No AuthConsumer is accepted.' },
  CopiesBehind: {
    status: 'False',
    seen: 'The copies of the named AuthConsumers lack the current keys.',
    do: 'The `kubectl describe` in the message.',
    noticed: ['AuthConsumer'],
  },
} as const satisfies Table;

/** Of the stack's certificate authority: they stall the stack and have no condition of their own. */
const certificates = {
  CertificateAuthorityNotOwned: {
    status: 'True',
    seen: '`<stack>-ca` exists and does not belong to the stack.',
    do: 'Label, rename or delete it, as the message says.',
  },
  CertificateAuthorityMalformed: {
    status: 'True',
    seen: '`<stack>-ca` holds no usable certificate authority. The database and sign-ins continue.',
    do: 'Restore it, or delete it to get a new authority.',
    noticed: ['Secret'],
  },
  CertificateAuthorityExpired: {
    status: 'True',
    seen: 'The certificate authority has expired. The database and sign-ins continue.',
    do: 'Delete `<stack>-ca` to get a new authority.',
    noticed: ['Secret'],
  },
  AgentCertificateNotOwned: {
    status: 'True',
    seen: '`<stack>-mongodb-agent-tls` exists and does not belong to the stack.',
    do: 'Label, rename or delete it, as the message says.',
  },
} as const satisfies Table;

const specInvalid = {
  status: 'False',
  seen: 'The object does not fit the schema: another version of the CRD accepted it. What runs continues to run.',
  do: 'Correct the fields that the message names.',
  noticed: ['AuthStack', 'AuthConsumer'],
} as const;

/** Set by the runtime for any kind. */
const runtime = {
  NotEvaluated: notEvaluated,
  ReconcileFailed: {
    status: 'Unknown',
    seen: 'Reconciling has failed for two minutes, or the API server refuses a request (403).',
    do: 'What the message says; the operator retries.',
    noticed: 'retry',
  },
  NamespaceNotWatched: {
    status: 'Unknown',
    seen: "The namespace is in the chart's `watchNamespaces`, and the API server forbids the operator to watch it.",
    do: 'Grant the rights in the message: `helm upgrade` makes the Role. Or take it out of `watchNamespaces`.',
    noticed: 'retry',
  },
} as const satisfies Table;

export const stackReasons = {
  Ready: {
    AllReady: { status: 'True', seen: 'Database, keys and auth service are ready: users can sign in.' },
    Deleting: { status: 'False', seen: '`deletionPolicy` is Delete, and volumes and Secrets are being deleted.' },
    SpecInvalid: specInvalid,
    ...runtime,
  },
  DatabaseReady: databaseReady,
  KeysReady: keysReady,
  AuthReady: authReady,
  ConsumersInSync: consumersInSync,
  Hibernated: {
    Requested: { status: 'True', seen: '`spec.mongodb.hibernate` is true. The condition is absent otherwise.' },
  },
  Suspended: {
    Requested: {
      status: 'True',
      seen: '`spec.suspend` is true: the operator writes nothing but the status. The condition is absent otherwise.',
    },
  },
  Stalled: {
    NotEvaluated: notEvaluated,
    Progressing: { status: 'False', seen: 'Nothing has waited past its deadline.' },
    SpecInvalid: { ...specInvalid, status: 'True' },
    ObjectRefused: {
      status: 'True',
      seen: 'The API server refuses an object for good (422). Every other object is made all the same.',
      do: 'Correct the field that the message names.',
    },
    ...certificates,
  },
} as const satisfies Readonly<Record<string, Table>>;

export const consumerReasons = {
  Accepted: {
    Accepted: { status: 'True', seen: 'The stack allows the namespace, and the audience is one of its own.' },
    StackNotFound: {
      status: 'False',
      seen: 'There is no such AuthStack. A Secret that was written before stays.',
      do: 'Create it, or correct `spec.stackRef`.',
      noticed: ['AuthStack', 'AuthConsumer'],
    },
    StackNotWatched: {
      status: 'Unknown',
      seen: 'The operator does not watch the namespace of `spec.stackRef`.',
      do: "Add it to the chart's `watchNamespaces`, or correct `spec.stackRef`.",
    },
    StackInvalid: {
      status: 'Unknown',
      seen: 'The AuthStack does not fit the schema. The Secret stays as it is.',
      do: "Ask the stack's owner.",
      noticed: ['AuthStack'],
    },
    SpecInvalid: specInvalid,
    NamespaceUnknown: {
      status: 'Unknown',
      seen: 'The operator has not read the labels of the namespace yet.',
    },
    NamespaceNotAllowed: {
      status: 'False',
      seen: "The stack's `consumers.allowedNamespaces` does not include the namespace.",
      do: "Ask the stack's owner, or label the namespace.",
      noticed: ['AuthStack', 'Namespace'],
    },
    AudienceNotAllowed: {
      status: 'False',
      seen: "`spec.audience` is none of the stack's audiences.",
      do: 'Set one of those in the message.',
      noticed: ['AuthStack', 'AuthConsumer'],
    },
    SecretNotOwned: {
      status: 'False',
      seen: 'A Secret of that name exists and does not belong to the AuthConsumer.',
      do: 'Set another `spec.secretName`, or remove the Secret.',
    },
    SecretInUse: {
      status: 'False',
      seen: 'The Secret of that name belongs to another AuthConsumer.',
      do: 'Set another `spec.secretName`.',
      noticed: ['Secret', 'AuthConsumer'],
    },
    Terminating: {
      status: 'False',
      seen: 'The AuthConsumer is Terminating; its Secret is removed, and the stack no longer counts it.',
      do: 'Remove the finalizer that the message names, if it stays.',
      noticed: ['AuthConsumer'],
    },
    ...runtime,
  },
  InSync: {
    InSync: { status: 'True', seen: 'The Secret holds the current keys.' },
    Writing: { status: 'False', seen: 'The operator writes the Secret.' },
    WriteRefused: {
      status: 'False',
      seen: 'The API server refuses the Secret. The message has its own words.',
      do: 'What the message says.',
    },
    WaitingForKeys: { status: 'False', seen: 'The stack has published no keys yet.' },
    StackNotFound: {
      status: 'Unknown',
      seen: 'There is no such AuthStack, so nobody knows whether the Secret is current.',
      do: 'Create it, or correct `spec.stackRef`.',
      noticed: ['AuthStack', 'AuthConsumer'],
    },
    StackNotWatched: { status: 'Unknown', seen: 'See `Accepted`.' },
    StackInvalid: { status: 'Unknown', seen: 'See `Accepted`.' },
    NamespaceUnknown: { status: 'Unknown', seen: 'See `Accepted`.' },
    SpecInvalid: { ...specInvalid, status: ['Unknown', 'False'] },
    StackSuspended: {
      status: 'Unknown',
      seen: 'The Secret needs a write, and `spec.suspend` of the stack is true.',
      do: "Nothing, or ask the stack's owner.",
      noticed: ['AuthStack'],
    },
    NotAccepted: { status: 'False', seen: 'See `Accepted`.' },
    Terminating: { status: 'False', seen: 'The AuthConsumer is Terminating.' },
    ...runtime,
  },
} as const satisfies Readonly<Record<string, Table>>;

export type StackConditionType = keyof typeof stackReasons;
export type ConsumerConditionType = keyof typeof consumerReasons;

type Reasons = typeof stackReasons & typeof consumerReasons;
export type ConditionType = keyof Reasons;

/** Reasons that a feature may give to its condition. */
export type ReasonOf<Type extends ConditionType> = Type extends unknown ? Extract<keyof Reasons[Type], string> : never;

/** `Ready` and `Stalled` repeat the reason of the condition that they name. */
type Repeated = 'DatabaseReady' | 'KeysReady' | 'AuthReady';

/** A condition whose reason is in the table. */
export type PlannedCondition<Type extends ConditionType = ConditionType> = Type extends unknown
  ? {
      readonly type: Type;
      readonly status: ConditionStatus;
      readonly reason: ReasonOf<Type> | (Type extends 'Ready' | 'Stalled' ? ReasonOf<Repeated> : never);
      readonly message: string;
    }
  : never;

/** Whether what a person does about it is announced by nothing, so that the operator has to look again by itself. */
export function needsRecheck<Type extends ConditionType>(type: Type, reason: ReasonOf<Type>): boolean {
  const tables: Readonly<Record<ConditionType, Table>> = { ...stackReasons, ...consumerReasons };
  const row = tables[type][reason];
  return row?.do !== undefined && row.noticed === undefined;
}

/** In the order in which `kubectl describe` shows them. */
export const stackConditionTypes = [
  'Ready',
  'DatabaseReady',
  'KeysReady',
  'AuthReady',
  'ConsumersInSync',
  'Stalled',
] as const;
/** Stored only while True: states that somebody asked for. */
export const transientConditionTypes = ['Hibernated', 'Suspended'] as const;
export const consumerConditionTypes = ['Accepted', 'InSync'] as const;
