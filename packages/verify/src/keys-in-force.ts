import type { VerificationKey } from './algorithms.ts';

type Keys = ReadonlyMap<string, VerificationKey>;

/** The keys of an auth pod, as its feed tells of them. */
export interface FedKeys {
  readonly keys: Keys;
  readonly revokedKids: readonly string[];
  /** Of the key ring that they are of: a greater one is newer. */
  readonly version: number;
}

/** What a change has done to the keys in force. */
export interface KeysChange {
  readonly hasChanged: boolean;
  /** A key is gone, or is another: what it vouched for must be verified again. */
  readonly hasLost: boolean;
}

/**
 * The keys that verify tokens, out of what the mount shows and what the feed has told:
 *
 *     mounted ∪ fed, of the newest version  −  revoked
 *
 * Neither source alone is always the newer one: a mount is a minute or two behind, and the feed may be away, or lead to a pod that
 * is behind. A key leaves once both have dropped it, once the mount has while the feed is away, or at once where it is revoked;
 * and a revoked key never returns, whatever is shown afterwards.
 */
export class KeysInForce {
  private mounted: Keys = new Map();
  private fed: Omit<FedKeys, 'revokedKids'> | undefined;
  private readonly revoked: Set<string> = new Set();
  private isFeedLive = false;
  private inForce: Keys = new Map();

  /** Another map whenever they have changed. */
  get keys(): Keys {
    return this.inForce;
  }

  get revokedKids(): readonly string[] {
    return [...this.revoked];
  }

  /** What the mount shows from now on. */
  mount(next: Keys): KeysChange {
    const dropped = [...this.mounted.keys()].filter((kid) => !next.has(kid));
    this.mounted = next;
    // Retired or revoked, and nobody is there to tell. A key that the mount has never shown is newer than it.
    if (this.fed && !this.isFeedLive) this.fed = { ...this.fed, keys: without(this.fed.keys, dropped) };
    return this.settle();
  }

  /** What the feed tells; from now on it is live. */
  feed({ revokedKids, ...fed }: FedKeys): KeysChange {
    this.isFeedLive = true;
    for (const kid of revokedKids) this.revoked.add(kid);
    // The pod of before may have been ahead of this one.
    if (fed.version >= (this.fed?.version ?? 0)) this.fed = fed;
    return this.settle();
  }

  /** Nobody tells of changes any more; what is in force stays. */
  feedIsAway(): void {
    this.isFeedLive = false;
  }

  /** The mount is another stack's. */
  forgetFeed(): void {
    this.fed = undefined;
    this.isFeedLive = false;
  }

  private settle(): KeysChange {
    // Of two keys under one kid, the one that the operator wrote.
    const next = without(new Map([...(this.fed?.keys ?? []), ...this.mounted]), this.revoked);
    const before = this.inForce;
    const hasLost = [...before].some(([kid, key]) => !isSame(key, next.get(kid)));
    const hasChanged = hasLost || next.size !== before.size;
    if (hasChanged) this.inForce = next;
    return { hasChanged, hasLost };
  }
}

function without(keys: Keys, kids: Iterable<string>): Keys {
  const rest = new Map(keys);
  for (const kid of kids) rest.delete(kid);
  return rest;
}

function isSame(one: VerificationKey, other: VerificationKey | undefined): boolean {
  return one.algorithm === other?.algorithm && one.publicKey.equals(other.publicKey);
}
