import type { Millis } from './clock.ts';
import { Grouped } from './grouped.ts';
import { LastUses } from './last-uses.ts';
import type { User } from './user.ts';

/** What is known of a user by its token. */
export type Known = Pick<User, 'id' | 'sessionId' | 'claims'>;

interface Entry<Of extends Known> {
  readonly token: string;
  readonly user: Of;
  readonly until: Millis;
  /** Uses are numbered by the tokens that were cached until then. */
  lastUse: number;
  useBeforeLast: number;
  /** Where it stands in the window or among those that stay. */
  place: number;
}

/** How much of the capacity is the window. */
const WINDOW_PART = 1 / 16;
/** How many of those that stay are looked at for a newcomer. */
const LOOKS = 8;

/**
 * Verified tokens until they expire, at most `capacity` of them.
 *
 *     new ─▸ window, in order of arrival ─▸ stays ─▸ forgotten, but for the time of its last use
 *
 * A token that leaves the window stays if there is room, or if it was used twice since another that stays was used at
 * all: it takes the place of that one. So tokens that come in turn, more than there is room for, do not push each other
 * out just before they come again, and tokens that are used once pass through the window alone.
 */
export class TokenCache<Of extends Known = User> {
  private readonly entries = new Map<string, Entry<Of>>();
  private readonly ofUser = new Grouped<Entry<Of>>();
  private readonly ofSession = new Grouped<Entry<Of>>();
  private readonly forgotten: LastUses;
  private readonly windowSize: number;
  private readonly stayingSize: number;
  /** A ring: the next newcomer takes the place of the one that came first. */
  private readonly window: (Entry<Of> | undefined)[] = [];
  private nextInWindow = 0;
  private readonly staying: (Entry<Of> | undefined)[] = [];
  private readonly vacant: number[] = [];
  private nextLook = 0;
  private cached = 0;

  constructor(capacity: number) {
    this.windowSize = Math.ceil(capacity * WINDOW_PART);
    this.stayingSize = capacity - this.windowSize;
    this.forgotten = new LastUses(capacity);
  }

  get size(): number {
    return this.entries.size;
  }

  get(token: string, now: Millis): Of | undefined {
    const entry = this.entries.get(token);
    if (entry === undefined) return undefined;
    if (now >= entry.until) {
      this.remove(entry);
      return undefined;
    }
    entry.useBeforeLast = entry.lastUse;
    entry.lastUse = this.cached;
    return entry.user;
  }

  set(token: string, user: Of, { until, now }: { readonly until: Millis; readonly now: Millis }): void {
    if (this.windowSize === 0) return;
    const earlier = this.entries.get(token);
    if (earlier) this.remove(earlier);
    this.cached += 1;
    const entry: Entry<Of> = {
      token: detached(token),
      user,
      until,
      lastUse: this.cached,
      useBeforeLast: this.forgotten.of(token),
      place: this.nextInWindow,
    };
    this.enter(entry, now);
    this.entries.set(entry.token, entry);
    this.ofUser.add(user.id, entry);
    this.ofSession.add(user.sessionId, entry);
  }

  /** Takes out the tokens of a user that were issued for an earlier version; answers how many. */
  revokeUser(id: string, currentVersion: number): number {
    return this.removeAll(this.ofUser.of(id).filter(({ user }) => user.claims.ver < currentVersion));
  }

  /** Takes out the tokens of a session; answers how many. */
  revokeSession(sessionId: string): number {
    return this.removeAll(this.ofSession.of(sessionId));
  }

  private enter(entry: Entry<Of>, now: Millis): void {
    const leaving = this.window[this.nextInWindow];
    this.window[this.nextInWindow] = entry;
    this.nextInWindow = (this.nextInWindow + 1) % this.windowSize;
    if (leaving === undefined) return;
    const place = this.placeFor(leaving, now);
    if (place === undefined) {
      this.forget(leaving);
      return;
    }
    leaving.place = place;
    this.staying[place] = leaving;
  }

  private placeFor(leaving: Entry<Of>, now: Millis): number | undefined {
    if (now >= leaving.until) return undefined;
    const vacant = this.vacant.pop();
    if (vacant !== undefined) return vacant;
    if (this.staying.length < this.stayingSize) return this.staying.length;
    for (let looks = 0; looks < Math.min(LOOKS, this.stayingSize); looks += 1) {
      const place = this.nextLook;
      this.nextLook = (place + 1) % this.stayingSize;
      const other = this.staying[place];
      if (other === undefined || (other.lastUse >= leaving.useBeforeLast && now < other.until)) continue;
      this.forget(other);
      return place;
    }
    return undefined;
  }

  private removeAll(entries: readonly Entry<Of>[]): number {
    for (const entry of entries) this.remove(entry);
    return entries.length;
  }

  /** Takes an entry out of its place, which others may have then. */
  private remove(entry: Entry<Of>): void {
    if (this.window[entry.place] === entry) {
      this.window[entry.place] = undefined;
    } else {
      this.staying[entry.place] = undefined;
      this.vacant.push(entry.place);
    }
    this.forget(entry);
  }

  private forget(entry: Entry<Of>): void {
    this.entries.delete(entry.token);
    this.ofUser.delete(entry.user.id, entry);
    this.ofSession.delete(entry.user.sessionId, entry);
    this.forgotten.note(entry.token, entry.lastUse);
  }
}

/** A text of its own: a part of a header would keep the whole header in memory, with the session token in it. */
function detached(token: string): string {
  return Buffer.from(token, 'latin1').toString('latin1');
}
