import { setImmediate as turnOfTheLoop } from 'node:timers/promises';

/** By id; what does not exist is absent from the answer. */
export type ReadAll<T> = (ids: readonly string[]) => Promise<ReadonlyMap<string, T>>;

interface Read<T> {
  readonly ids: Set<string>;
  readonly found: Promise<ReadonlyMap<string, T>>;
}

/**
 * What is asked for in one turn of the event loop is read together: a trip to the database costs more than what it brings, and the
 * more requests there are, the more of them arrive together. A read that has begun is never shared, so whoever asks sees all that
 * was written before. Not for work inside a transaction, which others have no part in.
 */
export function sharedReads<T>(readAll: ReadAll<T>): (id: string) => Promise<T | undefined> {
  let next: Read<T> | undefined;

  function begin(): Read<T> {
    const ids = new Set<string>();
    const found = turnOfTheLoop().then(() => {
      next = undefined;
      return readAll([...ids]);
    });
    return { ids, found };
  }

  return async (id) => {
    const { ids, found } = (next ??= begin());
    ids.add(id);
    return (await found).get(id);
  };
}
