import type { AuthStack } from '../api/auth-stack.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import type { Millis } from '../runtime/objects.ts';

export type Kid = string;
export type Algorithm = 'ES256' | 'RS256';

/** A public JSON Web Key (RFC 7517) as it is published. */
export type PublicJwk =
  | (JwkFacts & {
      readonly kty: 'EC';
      readonly crv: 'P-256';
      readonly x: string;
      readonly y: string;
      readonly alg: 'ES256';
    })
  | (JwkFacts & { readonly kty: 'RSA'; readonly n: string; readonly e: string; readonly alg: 'RS256' });

interface JwkFacts {
  readonly kid: Kid;
  readonly use: 'sig';
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
}

/** Signs no more; tokens it signed are still accepted. Its private half is gone. */
export interface RetiringKey extends KeyFacts {
  readonly phase: 'retiring';
  readonly activatedAt?: Millis;
  readonly retiredAt: Millis;
}

export type Key = NextKey | ActiveKey | RetiringKey;

/**
 * How long what the auth service hands out lives, as last noted. It is part of the ring, because what was handed out
 * under a longer time outlives the change of the spec.
 */
export interface Lifetimes {
  readonly accessTokenTtl: Millis;
  readonly jwksMaxAge: Millis;
  /** By then every token of an earlier, longer lifetime has expired. */
  readonly longerTokensEndAt: Millis;
  /** By then every key set that was cached under an earlier, longer age has been fetched anew. */
  readonly longerCachesEndAt: Millis;
}

/** What Secret `<stack>-signing-keys` says, without anything private. */
export type SeenRing =
  | { readonly state: 'absent' }
  | { readonly state: 'foreign' }
  | { readonly state: 'malformed'; readonly why: string }
  | {
      readonly state: 'present';
      readonly resourceVersion: string;
      readonly keys: readonly Key[];
      readonly lifetimes: Lifetimes;
    };

/** What Secret `<stack>-jwks` says; its content matters only when the ring is lost. */
export type SeenJwks =
  | { readonly state: 'absent' }
  | { readonly state: 'foreign' }
  | { readonly state: 'present'; readonly keys: readonly PublicJwk[]; readonly lifetimes?: Lifetimes };

/** The Secret of one AuthConsumer, as far as it matters here. */
export interface Copy {
  /** `namespace/name` of the AuthConsumer. */
  readonly consumer: string;
  readonly kids: ReadonlySet<Kid>;
}

/** Lengths that everything derives from; docs/key-rotation.md tells how. */
export interface KeyPolicy {
  readonly algorithm: Algorithm;
  readonly rotationInterval: Millis;
  readonly volumeRefresh: Millis;
  readonly clockSkew: Millis;
  /** The longest that the spec or any auth pod has. */
  readonly jwksMaxAge: Millis;
  /** The longest that the spec or any auth pod has. */
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
  /** Since when each container of the auth service runs: it may have in its memory what the ring held then. */
  readonly authServiceRunsSince: readonly Millis[];
}

/** A change of the ring as data; `performSigningKeys` makes the keys it asks for and notes the time. */
export type RingEdit =
  /** Publishes a fresh key as the next one; takes the place of a next one that never signed. */
  | { readonly type: 'publishNext'; readonly algorithm: Algorithm }
  /** The next key signs from now on, the active one retires, and a fresh key is published ahead. */
  | { readonly type: 'promote'; readonly kid: Kid; readonly algorithm: Algorithm }
  | { readonly type: 'forget'; readonly kids: readonly Kid[] }
  /** Every copy holds the next key. */
  | { readonly type: 'noteDistributed'; readonly kid: Kid }
  /** Some copy does not hold the next key (any more). */
  | { readonly type: 'noteUndistributed'; readonly kid: Kid }
  /** What is handed out lives that long from now on. */
  | { readonly type: 'noteLifetimes'; readonly accessTokenTtl: Millis; readonly jwksMaxAge: Millis };

export type SigningKeysAction =
  | KubernetesAction
  | {
      readonly type: 'createRing';
      readonly stack: AuthStack;
      readonly algorithm: Algorithm;
      readonly lifetimes: Lifetimes;
      /** Whether the first key signs at once, or only once everybody knows it. */
      readonly first: 'active' | 'next';
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
