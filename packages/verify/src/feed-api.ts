import type { Millis } from './clock.ts';

/**
 * What the auth service and the services that verify its tokens agree on, for the feed: server-sent events with the id
 * `<epoch>.<seq>`. A reader lets pass what it does not know, events and members alike.
 */
export const feedApi = {
  events: {
    /** `FeedSnapshot`, the first of each stream; everything that was said before it no longer counts. */
    snapshot: 'snapshot',
    /** `FeedKeys`, whenever the keys of that auth pod have changed. */
    keysChanged: 'keys-changed',
    /** `FeedHeartbeat`; not sent while the database is away. */
    heartbeat: 'heartbeat',
  },
  /** Header of a verifier, on its stream: the `instance` that it acknowledges keys as. */
  instanceHeader: 'authstack-instance',
  /** In milliseconds, how often something is sent: a heartbeat or a comment. */
  beatEvery: 2_000,
  /** In milliseconds, how often a verifier says which keys it has, beside each change of them. */
  acknowledgeEvery: 5_000,
} as const;

export interface FeedKeys {
  /** Public keys (RFC 7517). */
  readonly keys: readonly object[];
  /** The one that signs; absent: none does. */
  readonly signingKid?: string;
  /** Those that must verify nothing any more, wherever they come from. */
  readonly revokedKids: readonly string[];
  /** Of the key ring that the keys are of: a greater one is newer. */
  readonly version: number;
}

export interface FeedHeartbeat {
  /** When that auth pod last read the state of the database, by the database's clock. */
  readonly asOf: Millis;
}

/** `asOf` absent: the pod has not read it in a while. */
export type FeedSnapshot = FeedKeys & Partial<FeedHeartbeat>;
