export type OneAtATime = <T>(work: () => Promise<T>) => Promise<T>;

/** Runs what it is given in order, each only after the one before has settled. */
export function oneAtATime(): OneAtATime {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work);
    last = next.catch(() => undefined);
    return next;
  };
}
