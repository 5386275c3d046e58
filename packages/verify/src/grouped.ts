/** Members by key. Nearly every key has one member, which costs no Set. */
export class Grouped<T extends object> {
  private readonly groups = new Map<string, T | Set<T>>();

  add(key: string, member: T): void {
    const group = this.groups.get(key);
    if (group === undefined) this.groups.set(key, member);
    else if (group instanceof Set) group.add(member);
    else this.groups.set(key, new Set([group, member]));
  }

  delete(key: string, member: T): void {
    const group = this.groups.get(key);
    if (group === member) this.groups.delete(key);
    else if (group instanceof Set && group.delete(member) && group.size === 0) this.groups.delete(key);
  }

  of(key: string): readonly T[] {
    const group = this.groups.get(key);
    if (group === undefined) return [];
    return group instanceof Set ? [...group] : [group];
  }
}
