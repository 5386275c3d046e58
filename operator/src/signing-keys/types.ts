import type { KeysReload, KeysReport } from '@authstack/auth-service/api';
import type { RevokedState } from '../api/auth-consumer.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { Verifier } from '../auth-pods/verifiers.ts';
import type { Verdict } from '../planning.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import type { Millis, ObjectRef } from '../runtime/objects.ts';
import type { ReportedEvent } from '../runtime/reconciler.ts';
import type { ClockOffset } from '../runtime/server-clock.ts';
import type { Kid, Lifetimes, PublicJwk, PublishedKeys, RevokedKey } from '../stored/jwks.ts';
import type { Algorithm, ReadRing, Wrapping } from '../stored/key-ring.ts';
import type { Seen } from '../stored/secret.ts';

/** The Secret of one AuthConsumer, as far as it matters here. */
export interface Copy {
  /** `namespace/name` of the AuthConsumer. */
  readonly consumer: string;
  readonly kids: ReadonlySet<Kid>;
  /** One that was lost and created again may not have reached its mounts the first time. */
  readonly createdAt: Millis;
  /** Since when the AuthConsumer exists. */
  readonly consumerSince: Millis;
  /** How far the revocation of a key has come with the consumer, as it reports itself. */
  readonly revoked: ReadonlyMap<Kid, RevokedState>;
}

/** An auth pod whose containers have started, as far as its keys matter. */
export interface KeyHolder {
  readonly name: string;
  /** Undefined: it has no address, so it cannot be asked. */
  readonly ip: string | undefined;
  readonly isTerminating: boolean;
  /** When its container started last; undefined while it does not run. */
  readonly startedAt: Millis | undefined;
  /** `unknown`: it cannot be asked, whatever the reason. `notAsked`: nothing depends on it. */
  readonly report: KeysReport | 'unknown' | 'notAsked';
  /** The services that have acknowledged keys to it; `notAsked`: no promotion waits for them. */
  readonly verifiers: readonly Verifier[] | 'unknown' | 'notAsked';
}

/** The key that the spec brings along, as far as a plan may know it. */
export type SeenImport =
  /** The spec names none, or the stack has keys. */
  | { readonly state: 'notAsked' }
  | { readonly state: 'missing' }
  | { readonly state: 'refused'; readonly why: string }
  | { readonly state: 'usable'; readonly kid: Kid };

/** The wrapping keys of the stack's owner, as far as a plan may know them. */
export interface SeenWrappingKeys {
  /** What `spec.signingKeys.encryption` names. */
  readonly wanted: WantedWrapping;
  /** Ids of every one in the Secrets that the spec and the ring name. */
  readonly ids: readonly string[];
}

export type WantedWrapping =
  | { readonly state: 'none' }
  | { readonly state: 'missing'; readonly what: 'secret' | 'entry' }
  | { readonly state: 'refused'; readonly why: string }
  | ({ readonly state: 'usable' } & Wrapping);

/** The times that everything derives from; docs/key-rotation.md explains them. */
export interface KeyPolicy {
  readonly algorithm: Algorithm;
  readonly rotationInterval: Millis;
  readonly volumeRefresh: Millis;
  readonly clockSkew: Millis;
  /** How long a service that has vanished is waited for. */
  readonly maxWait: Millis;
  /** The longest of the spec and the auth pods. */
  readonly jwksMaxAge: Millis;
  /** The longest of the spec and the auth pods. */
  readonly accessTokenTtl: Millis;
}

/** Everything the plan may look at, already read; there is nothing in here to await, and nothing private. */
export interface KeysObservation {
  readonly stack: AuthStack;
  readonly now: Millis;
  /** Of the API server's clock; undefined: it has not said what time it is. */
  readonly clockOffset: ClockOffset | undefined;
  readonly policy: KeyPolicy;
  readonly ring: Seen<ReadRing>;
  /** Its content matters only when the ring is lost. */
  readonly jwks: Seen<PublishedKeys>;
  readonly imported: SeenImport;
  readonly wrappingKeys: SeenWrappingKeys;
  readonly copies: readonly Copy[];
  /** Namespaces that the stack may allow and whose AuthConsumers cannot be seen for now. */
  readonly unseenNamespaces: readonly string[];
  readonly pods: readonly KeyHolder[];
  /** Since when each container of the auth service runs: it may have in its memory what the ring held then. */
  readonly authServiceRunsSince: readonly Millis[];
}

/** A change of the ring as data; `performSigningKeys` makes the keys it asks for and notes the time. */
export type RingEdit =
  /** Publishes a fresh key as the next one; replaces a next one that never signed. */
  | { readonly type: 'publishNext'; readonly algorithm: Algorithm }
  /** The next key becomes active, the active one retires, and a fresh key is published. */
  | { readonly type: 'promote'; readonly kid: Kid; readonly algorithm: Algorithm }
  | { readonly type: 'forget'; readonly kids: readonly Kid[] }
  | Revocation
  /** Every copy holds the next key. */
  | { readonly type: 'noteDistributed'; readonly kid: Kid }
  /** Some copy does not hold the next key (any more). */
  | { readonly type: 'noteUndistributed'; readonly kid: Kid }
  /** No service that verifies tokens is known to lack the next key, by these auth pods. */
  | { readonly type: 'noteAcknowledged'; readonly kid: Kid; readonly pods: readonly string[] }
  /** One does (again), or a pod does not say which are connected. */
  | { readonly type: 'noteUnacknowledged'; readonly kid: Kid }
  /** No auth pod is able to sign with these retired keys any more. */
  | { readonly type: 'noteSignersGone'; readonly kids: readonly Kid[] }
  /** One may be (again). */
  | { readonly type: 'noteSignersBack'; readonly kids: readonly Kid[] }
  /** What is issued lives that long from now on. */
  | { readonly type: 'noteLifetimes'; readonly accessTokenTtl: Millis; readonly jwksMaxAge: Millis }
  /** Every private half is wrapped with that key from now on; `plain`: with none. */
  | { readonly type: 'rewrap'; readonly wrapping: Wrapping | 'plain' };

/** The keys go at once, and never come back; where one of them may sign, the next key takes over without its lead. */
export interface Revocation extends Pick<KeyPolicy, 'volumeRefresh' | 'jwksMaxAge' | 'clockSkew'> {
  readonly type: 'revoke';
  readonly kids: readonly Kid[];
  /** Of the keys that take their place; absent: none can be made, for the key that would wrap it is not there. */
  readonly algorithm?: Algorithm;
}

export type SigningKeysAction = KubernetesAction | RingAction;

export type RingAction = (CreateRing | EditRing | ReloadPods) & {
  /** The AuthStack. */
  readonly stack: ObjectRef;
  /** Recorded only when the action was done. */
  readonly event?: ReportedEvent;
};

export interface CreateRing {
  readonly type: 'createRing';
  /** Absent: no key can be made, for the key that would wrap it is not there. */
  readonly algorithm?: Algorithm;
  readonly lifetimes: Lifetimes;
  /** Whether the first key signs at once, or only once every verifier can have it. */
  readonly first: 'active' | 'next';
  /** The first key is this one, brought along. */
  readonly imported?: ImportedKey;
  /** Keys of a ring that was lost: tokens they signed are still around. */
  readonly remembered: readonly PublicJwk[];
  /** Keys that were taken away from a ring that was lost. */
  readonly revoked: readonly RevokedKey[];
  /** Of what is remembered: made and revoked in one write. */
  readonly revocation?: Revocation;
  /** Absent: its private halves are plain. */
  readonly wrapping?: Wrapping;
}

export interface ImportedKey {
  readonly kid: Kid;
  readonly from: ImportFrom;
}

export type ImportFrom = NonNullable<AuthStack['spec']['signingKeys']['importFrom']>;

export interface EditRing {
  readonly type: 'editRing';
  /** The version the edit was decided on. */
  readonly resourceVersion: string;
  readonly edit: RingEdit;
}

/** Pods are told what the ring says, which their mounts show minutes later. One that does not answer is seen so in the next pass. */
export interface ReloadPods {
  readonly type: 'reloadPods';
  readonly pods: readonly { readonly name: string; readonly ip: string }[];
  readonly wanted: KeysReload;
}

export type KeysVerdict = Verdict<'KeysReady', SigningKeysAction>;
