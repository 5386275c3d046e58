import type { AuthStack } from '../api/auth-stack.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import type { Millis } from '../runtime/objects.ts';

export type Kid = string;
export type Algorithm = 'ES256' | 'RS256';

/** A public JSON Web Key (RFC 7517) as it is published. */
export interface PublicJwk {
  readonly kid: Kid;
  readonly alg: Algorithm;
  readonly use: 'sig';
  readonly kty: 'EC' | 'RSA';
  readonly [member: string]: string;
}

interface KeyFacts {
  readonly kid: Kid;
  readonly algorithm: Algorithm;
  /** When its public half was first written where readers find it. */
  readonly publishedAt: Millis;
  readonly publicJwk: PublicJwk;
}

/** Published ahead, to be known everywhere before it signs. */
export interface NextKey extends KeyFacts {
  readonly phase: 'next';
  /** When every consumer's copy was first seen to hold it. */
  readonly distributedAt?: Millis;
}

export interface ActiveKey extends KeyFacts {
  readonly phase: 'active';
  readonly activatedAt: Millis;
  /** The lifetime of tokens when it became active. */
  readonly ttlAtActivation: Millis;
  /** The longest lifetime of any token it may have signed. */
  readonly longestTtl: Millis;
}

/** Signs no more; tokens it signed are still accepted. Its private half is gone. */
export interface RetiringKey extends KeyFacts {
  readonly phase: 'retiring';
  readonly activatedAt?: Millis;
  readonly retiredAt: Millis;
  readonly longestTtl: Millis;
}

export type Key = NextKey | ActiveKey | RetiringKey;

/** What Secret `<stack>-signing-keys` says, without anything private. */
export type SeenRing =
  | { readonly state: 'absent' }
  | { readonly state: 'foreign' }
  | { readonly state: 'malformed'; readonly why: string }
  | { readonly state: 'present'; readonly resourceVersion: string; readonly keys: readonly Key[] };

/** What Secret `<stack>-jwks` says; only looked into when the ring is lost. */
export type SeenJwks =
  | { readonly state: 'absent' }
  | { readonly state: 'foreign' }
  | { readonly state: 'present'; readonly keys: readonly PublicJwk[] };

/** The Secret of one AuthConsumer, as far as it matters here. */
export interface Copy {
  /** `namespace/name` of the AuthConsumer. */
  readonly consumer: string;
  readonly kids: ReadonlySet<Kid>;
}

/** Lengths that everything derives from, see design of rotation in docs/key-rotation.md. */
export interface KeyPolicy {
  readonly algorithm: Algorithm;
  readonly rotationInterval: Millis;
  readonly jwksMaxAge: Millis;
  readonly volumeRefresh: Millis;
  readonly clockSkew: Millis;
  readonly accessTokenTtl: Millis;
}

/** Everything the plan may look at, already read; there is nothing in here to await. */
export interface KeysObservation {
  readonly stack: AuthStack;
  readonly now: Millis;
  readonly policy: KeyPolicy;
  readonly ring: SeenRing;
  readonly jwks: SeenJwks;
  readonly copies: readonly Copy[];
  /** Some container of the auth service has started, so tokens may be signed from its memory. */
  readonly authServiceRuns: boolean;
}

/** A change of the ring as data; `performSigningKeys` makes the keys it asks for. */
export type RingEdit =
  /** Publishes a fresh key as the next one; takes the place of a next one that never signed. */
  | { readonly type: 'publishNext'; readonly algorithm: Algorithm; readonly at: Millis }
  /** The next key signs from now on, the active one retires, and a fresh key is published ahead. */
  | {
      readonly type: 'promote';
      readonly kid: Kid;
      readonly algorithm: Algorithm;
      readonly at: Millis;
      readonly ttl: Millis;
    }
  | { readonly type: 'forget'; readonly kid: Kid }
  /** When every copy was seen to hold the next key; undefined: not every copy does (any more). */
  | { readonly type: 'noteDistribution'; readonly kid: Kid; readonly at: Millis | undefined }
  /** Tokens live longer from now on. */
  | { readonly type: 'raiseTtl'; readonly ttl: Millis };

export type SigningKeysAction =
  | KubernetesAction
  | {
      readonly type: 'createRing';
      readonly stack: AuthStack;
      readonly algorithm: Algorithm;
      readonly at: Millis;
      readonly ttl: Millis;
      /** Whether the first key signs at once. */
      readonly activate: boolean;
      /** Keys of a ring that was lost: tokens they signed are still around. */
      readonly remembered: readonly PublicJwk[];
    }
  | {
      readonly type: 'editRing';
      readonly stack: AuthStack;
      /** The version the edit was decided on. */
      readonly resourceVersion: string;
      readonly edit: RingEdit;
    };

export type KeysReadyReason =
  | 'UpToDate'
  | 'RotationDelayed'
  | 'RotationBlocked'
  | 'CreatingKeys'
  | 'SigningKeysLost'
  | 'ClockSkew'
  | 'SecretNotOwned'
  | 'SecretMalformed';

export interface KeysStatus {
  readonly signingKeys?: {
    readonly activeKid?: Kid;
    readonly nextKid?: Kid;
    readonly keys: readonly {
      readonly kid: Kid;
      readonly state: 'Published' | 'Active' | 'Retiring';
      readonly since: string;
      readonly until?: string;
    }[];
    readonly lastRotationTime?: string;
    readonly nextRotationTime?: string;
  };
}
