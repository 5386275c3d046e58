import { wrappingKeyIdOf } from '@authstack/auth-service/wrapped-key';
import type { Millis } from '../../runtime/objects.ts';
import type { Kid } from '../../stored/jwks.ts';
import type { StoredKey, StoredRing } from '../../stored/key-ring.ts';
import type { SeenWrappingKeys, WantedWrapping } from '../types.ts';
import { isStoredAs } from '../wrap-ring.ts';
import { CUSTODY } from './seen.ts';

/** The owner's Secret of a modelled world: each entry is a wrapping key, whose id is the entry's name. */
export class Custody {
  /** The entry that the spec names. */
  wanted: string | undefined;
  private entries: ReadonlySet<string> = new Set();
  /** What the Secret held, and since when. */
  private readonly history: { readonly entries: ReadonlySet<string>; readonly at: Millis }[] = [];

  get ids(): readonly string[] {
    return [...this.entries];
  }

  toggle(entry: string, at: Millis): void {
    this.hold(this.entries.has(entry) ? this.ids.filter((one) => one !== entry) : [...this.ids, entry], at);
  }

  hold(entries: readonly string[], at: Millis): void {
    this.entries = new Set(entries);
    this.history.push({ entries: this.entries, at });
  }

  seen(): SeenWrappingKeys {
    return { wanted: this.seenWanted(), ids: this.ids };
  }

  private seenWanted(): WantedWrapping {
    if (this.wanted === undefined) return { state: 'none' };
    if (!this.entries.has(this.wanted)) return { state: 'missing', what: 'entry' };
    return { state: 'usable', secretName: CUSTODY, keyId: this.wanted };
  }

  /** What a mount shows that was updated then. */
  shownAt(time: Millis): ReadonlySet<string> {
    return this.history.findLast(({ at }) => at <= time)?.entries ?? new Set();
  }

  /** As `wrapRing` does it, with names in place of ciphers; undefined: a key that it needs is not there. */
  wrapped(ring: StoredRing): StoredRing | undefined {
    const needed = ring.keys
      .filter((key) => !isStoredAs(key, ring.wrapping))
      .flatMap((key) => [wrappedBy(key), ring.wrapping?.keyId]);
    if (needed.some((id) => id !== undefined && !this.entries.has(id))) return undefined;
    return { ...ring, keys: ring.keys.map((key) => stored(key, ring)) };
  }
}

function stored(key: StoredKey, { wrapping }: StoredRing): StoredKey {
  if (key.phase === 'retiring' || isStoredAs(key, wrapping)) return key;
  return { ...key, privateJwk: wrapping ? wrappedAs(key.kid, wrapping.keyId) : { d: 'private' } };
}

function wrappedAs(kid: Kid, id: string): string {
  const header = { alg: 'A256GCMKW', enc: 'A256GCM', kid: id, wraps: kid };
  return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.key.iv.text.tag`;
}

/** The id of the wrapping key; undefined: it is plain, or has no private half. */
export function wrappedBy(key: StoredKey): string | undefined {
  if (key.phase === 'retiring' || typeof key.privateJwk !== 'string') return undefined;
  return wrappingKeyIdOf(key.privateJwk);
}

export function plainKids({ keys }: StoredRing): readonly Kid[] {
  return keys.flatMap((key) => (key.phase !== 'retiring' && typeof key.privateJwk !== 'string' ? [key.kid] : []));
}
