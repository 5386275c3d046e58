import type { Millis } from '@authstack/http-service/clock';
import type { UserId } from '../users/user.ts';

export type SessionId = string;
/** SHA-256 of a session token; the token itself is stored nowhere. */
export type TokenHash = string & { readonly __brand: 'TokenHash' };

/** How the tokens of a session travel; a session never changes from one to the other. */
export type Delivery = 'cookie' | 'body';
export type EndReason = 'sign-out' | 'ended-by-user' | 'reuse';

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
}

/** One link of a session's chain of tokens. */
export interface StoredToken {
  readonly hash: TokenHash;
  readonly sessionId: SessionId;
  /** Absent until a client shows it: only then is it known to have arrived. */
  readonly presentedAt?: Millis | undefined;
  readonly successor?: Successor | undefined;
}

export interface Successor {
  readonly hash: TokenHash;
  /** The refresh key it was derived with, so that every replica derives the same. */
  readonly keyId: string;
}

export interface SessionStore {
  open(session: Session, first: TokenHash): Promise<void>;
  find(id: SessionId): Promise<Session | undefined>;
  findToken(hash: TokenHash): Promise<StoredToken | undefined>;
  markPresented(hash: TokenHash, at: Millis): Promise<void>;
  /** The first proposal for a token stays; answers the one in force. */
  settleSuccessor(parent: TokenHash, proposed: Successor): Promise<Successor | undefined>;
  addToken(hash: TokenHash, of: Session): Promise<void>;
  /** Records a use. False when the session has ended meanwhile. */
  touch(id: SessionId, use: { readonly at: Millis; readonly idleExpiresAt: Millis }): Promise<boolean>;
  /** False when there is no such session or it had ended. */
  end(id: SessionId, how: { readonly at: Millis; readonly reason: EndReason }): Promise<boolean>;
  listOf(userId: UserId): Promise<readonly Session[]>;
}
