import { RecentArrivals } from './recent-arrivals.ts';

/** Whose an entry is: of which account, and from which network. Known devices of either are apart from strangers. */
export interface Flow {
  /** An address prefix: whoever floods has many addresses in few of them. */
  readonly prefix: string;
  /** The e-mail address that was sent, known or not. */
  readonly account: string;
}

/**
 * A line in which nobody is behind those who come in crowds: prefixes take turns, and accounts within each prefix. A newcomer
 * waits for one turn of each other prefix, however long their lines are.
 */
export class FairLine<Entry extends Flow> {
  /** Maps keep the order of insertion: the first prefix, and the first account of each, is next. */
  private readonly prefixes = new Map<string, Map<string, Entry[]>>();
  private readonly arrivals = new RecentArrivals();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** How many entries of the account there are, from wherever they come. */
  sizeOfAccount(account: string): number {
    let size = 0;
    for (const accounts of this.prefixes.values()) size += accounts.get(account)?.length ?? 0;
    return size;
  }

  add(entry: Entry): void {
    const accounts = this.prefixes.get(entry.prefix) ?? new Map<string, Entry[]>();
    this.prefixes.set(entry.prefix, accounts);
    accounts.set(entry.account, [...(accounts.get(entry.account) ?? []), entry]);
    this.arrivals.note(entry.prefix);
    this.count += 1;
  }

  /** False when the entry has left already. */
  remove(entry: Entry): boolean {
    const accounts = this.prefixes.get(entry.prefix);
    const entries = accounts?.get(entry.account);
    if (!accounts || !entries?.includes(entry)) return false;
    const others = entries.filter((each) => each !== entry);
    if (others.length > 0) accounts.set(entry.account, others);
    else accounts.delete(entry.account);
    if (accounts.size === 0) this.prefixes.delete(entry.prefix);
    this.count -= 1;
    return true;
  }

  /** Takes out whose turn it is among those that are ready. Its prefix and its account go to the end. */
  take(isReady: (entry: Entry) => boolean): Entry | undefined {
    const next = this.next(isReady);
    if (!next) return undefined;
    this.remove(next);
    rotate(this.prefixes.get(next.prefix), next.account);
    rotate(this.prefixes, next.prefix);
    return next;
  }

  /**
   * The newest entry of the account with the most entries, in the prefix with the most. Among equals in the prefix that came most
   * often of late, for a flood may come evenly from as many prefixes as there are places; then the one that came last.
   */
  mostCrowded(): Entry | undefined {
    const [, accounts] = last(this.prefixes, ([prefix, all]) => sizeOf(all) + this.arrivals.partOf(prefix)) ?? [];
    return accounts && last(accounts.values(), (entries) => entries.length)?.at(-1);
  }

  private next(isReady: (entry: Entry) => boolean): Entry | undefined {
    for (const accounts of this.prefixes.values()) {
      for (const entries of accounts.values()) {
        const ready = entries.find(isReady);
        if (ready) return ready;
      }
    }
    return undefined;
  }
}

function sizeOf(accounts: ReadonlyMap<string, readonly unknown[]>): number {
  let size = 0;
  for (const entries of accounts.values()) size += entries.length;
  return size;
}

/** The last of the largest. */
function last<T>(all: Iterable<T>, size: (each: T) => number): T | undefined {
  let found: T | undefined;
  let largest = 0;
  for (const each of all) {
    if (size(each) < largest) continue;
    largest = size(each);
    found = each;
  }
  return found;
}

function rotate<Value>(map: Map<string, Value> | undefined, key: string): void {
  const value = map?.get(key);
  if (value === undefined) return;
  map?.delete(key);
  map?.set(key, value);
}
