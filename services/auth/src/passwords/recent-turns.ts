/** So many turns are remembered: a few seconds of all the hashes that one thread makes, and room for many prefixes. */
const REMEMBERED = 256;

/** Who had the last turns. Bounded, and without a clock: what counts is how many others have had theirs since. */
export class RecentTurns {
  private readonly last: string[] = [];
  private readonly counts = new Map<string, number>();
  private next = 0;

  note(who: string): void {
    const forgotten = this.last[this.next];
    if (forgotten !== undefined) this.add(forgotten, -1);
    this.last[this.next] = who;
    this.next = (this.next + 1) % REMEMBERED;
    this.add(who, 1);
  }

  /** Which part of them; less than 1. */
  partOf(who: string): number {
    return (this.counts.get(who) ?? 0) / (REMEMBERED + 1);
  }

  private add(who: string, change: number): void {
    const count = (this.counts.get(who) ?? 0) + change;
    if (count > 0) this.counts.set(who, count);
    else this.counts.delete(who);
  }
}
