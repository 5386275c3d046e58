import { expect, test } from '@jest/globals';
import { oneAtATime } from './one-at-a-time.ts';

test('asked three times while it works, it works once more', async () => {
  const works: PromiseWithResolvers<undefined>[] = [];
  const begun: PromiseWithResolvers<undefined>[] = [1, 2, 3].map(() => Promise.withResolvers());
  const ask = oneAtATime(async () => {
    const work = Promise.withResolvers<undefined>();
    begun[works.push(work) - 1]?.resolve(undefined);
    await work.promise;
  });
  for (let times = 0; times < 4; times += 1) ask();
  expect(works).toHaveLength(1);

  works[0]?.resolve(undefined);
  await begun[1]?.promise;
  expect(works).toHaveLength(2);

  works[1]?.resolve(undefined);
  await works[1]?.promise;
  await Promise.resolve();
  ask();
  await begun[2]?.promise;
  expect(works).toHaveLength(3);
});
