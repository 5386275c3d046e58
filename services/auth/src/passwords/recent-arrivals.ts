/** So many are remembered: under a flood those of the last second, with a few of each prefix that it comes from. */
const REMEMBERED = 256;

/** Who came last. Bounded, and without a clock: what counts is how many others have come since. */
export class RecentArrivals {
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

  /** Which part of them was its; less than 1. */
  partOf(who: string): number {
    return (this.counts.get(who) ?? 0) / (REMEMBERED + 1);
  }

  private add(who: string, change: number): void {
    const count = (this.counts.get(who) ?? 0) + change;
    if (count > 0) this.counts.set(who, count);
    else this.counts.delete(who);
  }
}
