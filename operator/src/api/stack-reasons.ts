import { notEvaluated, runtime, specInvalid } from './reason-rows.ts';
import type { Reasons } from './reason-rows.ts';

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
} as const satisfies Reasons;

const keysReady = {
  NotEvaluated: notEvaluated,
  UpToDate: { status: 'True', seen: 'One key signs, and the next key is published.' },
  RotationDelayed: {
    status: 'True',
    seen: 'The active key is due, and caches, an auth pod that has just started, or a service that has vanished may still lack the next key.',
  },
  PromotionRefused: {
    status: 'True',
    seen: '`authstack.dev/promote-key` names a key that the stack does not have.',
    do: 'Remove the annotation, or name the next key, as the message says.',
    noticed: ['AuthStack'],
  },
  KeyRevoked: {
    status: 'True',
    seen: '`authstack.dev/revoke-key` took a key away: tokens it signed are refused wherever it is gone. The message says by when it is gone from mounts and from cached key sets, until when tokens of the new key may be refused, which auth pods could not be told, and who may still accept it once that time has passed; then whatever else is the case.',
    do: 'Restart what must not wait. Remove the annotation.',
    noticed: ['AuthStack'],
  },
  RevocationRefused: {
    status: 'True',
    seen: '`authstack.dev/revoke-key` names no key of the stack; the message lists those there are.',
    do: 'Correct or remove the annotation.',
    noticed: ['AuthStack'],
  },
  RotationSuspended: {
    status: 'True',
    seen: 'A change of the keys is due, and `spec.suspend` is true, so the operator changes nothing.',
    do: 'Set `spec.suspend: false`.',
    noticed: ['AuthStack'],
  },
  RotationBlocked: {
    status: 'False',
    seen: 'The copies of the named consumers lack the next key, or their namespace cannot be watched, or an auth pod or a connected service has not loaded it, so the active key continues to sign.',
    do: 'The command in the message.',
    noticed: ['AuthConsumer', 'Secret', 'Pod'],
  },
  CookieTooLarge: {
    status: 'False',
    seen: 'Tokens of the active key, of this issuer and for these audiences, may be larger than what browsers take as a cookie. The auth service refuses a sign-in whose token is too large (`COOKIE_TOO_LARGE`).',
    do: 'Remove or shorten audiences, or change the algorithm, as the message says.',
    noticed: ['AuthStack'],
  },
  CreatingKeys: { status: 'False', seen: 'The operator creates the first keys.' },
  ImportedKeyNotFound: {
    status: 'False',
    seen: '`spec.signingKeys.importFrom` names a Secret that does not exist. No key is created.',
    do: 'Create it, or remove the field.',
  },
  ImportedKeyRefused: {
    status: 'False',
    seen: 'The key of `spec.signingKeys.importFrom` cannot be used: the message says why. No key is created.',
    do: 'Correct the Secret, or remove the field.',
  },
  EncryptionPending: {
    status: 'True',
    seen: 'The private keys are to be wrapped with a key that an auth pod has not loaded yet. They sign, and rotate, as before.',
    do: 'Wait, or delete the pod that the message names.',
  },
  EncryptionKeyNotFound: {
    status: 'False',
    seen: 'The Secret of `spec.signingKeys.encryption`, or its key, does not exist. No signing key is created; those that are wrapped with it sign on in the memory of auth pods that run.',
    do: 'Create it, or restore it, as the message says.',
  },
  EncryptionKeyRefused: {
    status: 'False',
    seen: 'What `spec.signingKeys.encryption` names is no key of 256 bits. The message says what was found.',
    do: 'Correct the Secret, with the command in the message.',
  },
  EncryptionKeyLost: {
    status: 'False',
    seen: 'The Secret no longer has the key that the private keys are wrapped with. They sign on in the memory of auth pods that run; a pod that starts cannot sign, and no key is created or promoted.',
    do: 'Restore it, under any key of the Secret, as the message says.',
  },
  SigningKeysLost: {
    status: 'False',
    seen: '`<stack>-signing-keys` is gone. Auth pods sign from memory until every verifier can hold the new key.',
    do: 'Nothing, or restore the Secret.',
  },
  ClockSkew: {
    status: 'False',
    seen: "The key ring holds a time that lies ahead of the operator's clock, or a step is due while the clocks of the operator and of the API server differ by more than half of `propagation.clockSkew`. Nothing is created, promoted or removed; the active key continues to sign.",
    do: 'Check the clocks of the nodes, as the message says.',
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
} as const satisfies Reasons;

const authReady = {
  NotEvaluated: notEvaluated,
  AllReplicasAvailable: { status: 'True', seen: 'Every pod of the auth service is available.' },
  SomeReplicasUnavailable: {
    status: 'True',
    seen: 'Some pods are available. The message explains the others.',
    do: 'What the message says.',
    noticed: ['Pod', 'Deployment'],
  },
  PodOutOfService: {
    status: 'True',
    seen: 'A pod does not answer the operator while others do, so the Service sends it nothing until it answers again.',
    do: 'The `kubectl describe` in the message.',
  },
  PodsUnreachable: {
    status: 'True',
    seen: 'No pod answers the operator on port 9090, though their kubelets call them ready. None is taken out of the Service.',
    do: 'Check NetworkPolicies and firewalls between the operator and the pods of the auth service.',
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
  WaitingForCertificates: {
    status: 'False',
    seen: 'The certificate of the auth pods, `<stack>-auth-tls`, does not exist yet.',
    do: 'See `Stalled`.',
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
} as const satisfies Reasons;

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
  PodsNotTold: {
    status: 'True',
    seen: 'Every copy holds the current keys. The named auth pods cannot be told whom to let in, so they may let in a consumer whose consent has ended until their mounted Secret is updated.',
    do: 'Delete the pod, if that must not be.',
    noticed: ['Pod'],
  },
  SecretNotOwned: {
    status: 'False',
    seen: '`<stack>-clients` or `<stack>-client-key` exists and does not belong to the stack, so the auth pods do not learn whom to let in.',
    do: 'Label, rename or delete it, as the message says.',
  },
  SecretMalformed: {
    status: 'False',
    seen: '`<stack>-client-key` cannot be read, so no consumer gets a client secret.',
    do: 'Restore it, or delete it to have every client secret made anew.',
    noticed: ['Secret'],
  },
  ObjectRefused: {
    status: ['True', 'False'],
    seen: 'The API server refuses a Secret of the clients for good (422).',
    do: 'Correct what the message names.',
  },
} as const satisfies Reasons;

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
  ServerCertificateNotOwned: {
    status: 'True',
    seen: '`<stack>-mongodb-agent-tls` or `<stack>-auth-tls` exists and does not belong to the stack.',
    do: 'Label, rename or delete it, as the message says.',
  },
} as const satisfies Reasons;

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
} as const satisfies Readonly<Record<string, Reasons>>;
