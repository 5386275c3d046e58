import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { run } from './testing/restarts.ts';

const main = fileURLToPath(new URL('./testing/stuck-service.ts', import.meta.url));

test('a process whose service does not stop ends all the same, and logs what was still open', async () => {
  await using running = await run(main, { STUCK_IN: 'finish' });
  running.child.kill('SIGTERM');

  await running.logged('"did not stop in time"');

  expect(await once(running.child, 'exit')).toEqual([1, null]);
});

test('a process that cannot stop in order says why and ends', async () => {
  await using running = await run(main, { STUCK_IN: 'failure' });
  running.child.kill('SIGTERM');

  await running.logged('"could not stop in order"');

  expect(await once(running.child, 'exit')).toEqual([1, null]);
});
