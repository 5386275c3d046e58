/** Does `work` when it is asked to. Asked while it is at it, it does it once more afterwards: what it reads may have changed. */
export function oneAtATime(work: () => Promise<void>): () => void {
  let state: 'idle' | 'working' | 'again' = 'idle';

  async function run(): Promise<void> {
    do {
      state = 'working';
      await work();
    } while (isAskedAgain());
    state = 'idle';
  }
  // A function, for the compiler does not see that `state` changes while `work` is awaited.
  const isAskedAgain = (): boolean => state === 'again';

  return () => {
    if (state === 'idle') void run();
    else state = 'again';
  };
}
