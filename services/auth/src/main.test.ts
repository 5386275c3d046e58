import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { expectNothingLost } from '../../../packages/http-service/src/testing/nothing-lost.ts';
import {
  DRAIN_UNTIL_TOLD_SECONDS,
  restartUnderLoad,
  run,
} from '../../../packages/http-service/src/testing/restarts.ts';
import { authContract } from './api.ts';
import { environmentOf, mountSecret, startPod } from './testing/world.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const drainedMain = fileURLToPath(new URL('./testing/drained-main.ts', import.meta.url));

test('the process listens at once, drains at SIGTERM and exits 0', async () => {
  await using nothing = await mountSecret({});
  await using running = await run(main, environmentOf({ keys: nothing, secrets: nothing, mongodb: nothing }));
  running.child.kill('SIGTERM');
  expect(await once(running.child, 'exit')).toEqual([0, null]);
});

test('restarts lose no request of clients that keep their connections, and each answer of a draining process ends one', async () => {
  await using nothing = await mountSecret({});
  const environment = environmentOf({ keys: nothing, secrets: nothing, mongodb: nothing });
  const load = { clients: 16, times: 3 };
  const outcome = await restartUnderLoad({
    start: () => run(drainedMain, { ...environment, AUTHSTACK_DRAIN_SECONDS: DRAIN_UNTIL_TOLD_SECONDS }),
    // Needs no database: nobody is signed out.
    sent: { path: '/api/users/signout', headers: { 'content-type': 'application/json' }, body: '{}' },
    ...load,
  });

  expectNothingLost(outcome, { ...load, status: 204 });
}, 120_000);

test('a pod stops within the grace that its Deployment gives it', async () => {
  await using nothing = await mountSecret({});
  await using pod = await startPod(
    { keys: nothing, secrets: nothing, mongodb: nothing },
    { AUTHSTACK_DRAIN_SECONDS: '0' },
  );
  expect(pod.service.stopsWithin).toBeLessThan(authContract.finishWithinSeconds * 1000);
});

test('an incomplete environment ends the process with a line per variable', async () => {
  const child = spawn(process.execPath, ['--conditions=authstack-source', main], {
    env: {},
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += String(chunk);
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(78);
  expect(errors).toContain('AUTHSTACK_ISSUER: is not set');
});
