import type { Millis } from '@authstack/http-service/clock';
import type { User, UserId } from '../users/user.ts';

/** 128 bit, base64url. */
export type SessionId = string;
/** SHA-256 of a session token; the token itself is stored nowhere. */
export type TokenHash = string & { readonly __brand: 'TokenHash' };

/** How the tokens of a session travel; a session never changes from one to the other. */
export type Delivery = 'cookie' | 'body';
export type EndReason = 'sign-out' | 'ended-by-user' | 'reuse' | 'too-many';

/** Every time of a session is the database's: the clock of a pod neither sets nor judges one. */
export interface Session {
  readonly id: SessionId;
  readonly userId: UserId;
  /** The user's `ver` when the session was opened. */
  readonly ver: number;
  readonly delivery: Delivery;
  readonly openedAt: Millis;
  readonly lastUsedAt: Millis;
  /** The absolute end. */
  readonly expiresAt: Millis;
  readonly idleExpiresAt: Millis;
  readonly endedAt?: Millis | undefined;
  readonly userAgent?: string | undefined;
  /** When the database answered with all this; what has expired is judged at that time. */
  readonly asOf: Millis;
}

export interface Successor {
  readonly hash: TokenHash;
  /** The refresh key it was derived with, so that every replica derives the same. */
  readonly keyId: string;
}

export interface Opening extends Pick<Session, 'id' | 'userId' | 'ver' | 'delivery' | 'userAgent'> {
  readonly first: TokenHash;
  readonly ttl: Millis;
  readonly idleTtl: Millis;
}

/** A session and its user, read at one moment. */
export interface Held {
  readonly session: Session;
  /** Absent when the user was deleted. */
  readonly user: User | undefined;
  /** The newest token that was shown. */
  readonly newest: TokenHash | undefined;
}

/** A session token that somebody shows. */
export interface Shown {
  readonly id: SessionId;
  readonly hash: TokenHash;
  readonly delivery: Delivery;
  readonly idleTtl: Millis;
  /** Becomes the token's successor unless it has one; absent where none is asked for. */
  readonly proposed?: Successor;
}

/** What came of showing a token: what the database decided, in one step. */
export type Step =
  | { readonly state: 'reused'; readonly session: Session }
  /** `keyId`: of the refresh key that derives the token's successor; absent when it has none. */
  | { readonly state: 'in-force'; readonly session: Session; readonly keyId: string | undefined };

export interface SessionStore {
  open(opening: Opening): Promise<Session>;
  find(id: SessionId): Promise<Held | undefined>;
  /** Records the use, replaces the parent, ends the session on reuse. Nothing when no such session is open. */
  show(shown: Shown): Promise<Step | undefined>;
  /** False when there is no such session or it had ended. */
  end(id: SessionId, reason: EndReason): Promise<boolean>;
  /** The open ones, the newest first. */
  openOf(user: User, limit: number): Promise<readonly Session[]>;
  /** Whether more than so many were not ended; far cheaper than to ask which. */
  isBeyond(userId: UserId, most: number): Promise<boolean>;
  /** All that were not ended but the `keep` most recently used, at most `limit`. */
  leastUsedOf(userId: UserId, most: { readonly keep: number; readonly limit: number }): Promise<readonly Session[]>;
}
