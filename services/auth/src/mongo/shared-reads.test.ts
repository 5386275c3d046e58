import { expect, test } from '@jest/globals';
import { sharedReads } from './shared-reads.ts';

/** A store whose reads answer when the test says so, with what was written when they began. */
function slowStore() {
  const written = new Map<string, string>();
  const reads: {
    readonly ids: readonly string[];
    readonly answer: () => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  const find = sharedReads<string>((ids) => {
    const seen = new Map(written);
    const { promise, resolve, reject } = Promise.withResolvers<ReadonlyMap<string, string>>();
    const answer = (): void => {
      resolve(seen);
    };
    reads.push({ ids, answer, fail: reject });
    return promise;
  });
  return { written, reads, find };
}

/** Everything that needs no timer has happened then. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
}

test('what is asked for together is read once, and everybody is given their own', async () => {
  const { written, reads, find } = slowStore();
  written.set('a', 'A').set('b', 'B');
  const asked = Promise.all([find('a'), find('b'), find('a'), find('none')]);
  await settle();
  expect(reads.map(({ ids }) => ids)).toEqual([['a', 'b', 'none']]);
  reads[0]?.answer();
  expect(await asked).toEqual(['A', 'B', 'A', undefined]);
});

test('a read that has begun is not shared: what was written meanwhile is seen', async () => {
  const { written, reads, find } = slowStore();
  written.set('a', 'open');
  const before = find('a');
  await settle();
  written.set('a', 'ended');
  const after = find('a');
  await settle();
  expect(reads).toHaveLength(2);
  for (const { answer } of reads) answer();
  expect([await before, await after]).toEqual(['open', 'ended']);
});

test('a read that fails fails for those who asked, and no others', async () => {
  const { written, reads, find } = slowStore();
  written.set('a', 'A');
  const failing = Promise.allSettled([find('a'), find('b')]);
  await settle();
  const next = find('a');
  await settle();
  reads[0]?.fail(new Error('away'));
  reads[1]?.answer();
  expect((await failing).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await next).toBe('A');
});
