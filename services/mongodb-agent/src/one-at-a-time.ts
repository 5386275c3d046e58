export type OneAtATime = <T>(work: () => Promise<T>) => Promise<T>;

/** Runs what it is given in the order it comes, each only after the one before has ended, well or badly. */
export function oneAtATime(): OneAtATime {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}
