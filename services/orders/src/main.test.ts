import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import supertest from 'supertest';
import { expectNothingLost } from '../../../packages/http-service/src/testing/nothing-lost.ts';
import {
  DRAIN_UNTIL_TOLD_SECONDS,
  restartUnderLoad,
  run,
} from '../../../packages/http-service/src/testing/restarts.ts';
import type { Running } from '../../../packages/http-service/src/testing/restarts.ts';
import { catalogue } from './orders/catalogue.ts';
import { as, premises } from './testing/shop.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const drainedMain = fileURLToPath(new URL('./testing/drained-main.ts', import.meta.url));
const scarce = catalogue.find(({ stock }) => stock < 10) ?? { id: '', stock: 0 };

const start = (environment: Readonly<Record<string, string>>): Promise<Running> => run(main, environment);

test('the process drains at SIGTERM and exits 0', async () => {
  await using place = await premises();
  await using running = await start(place.environment);
  running.child.kill('SIGTERM');
  expect(await once(running.child, 'exit')).toEqual([0, null]);
});

test('restarts lose no request of clients that keep their connections, and each answer of a draining process ends one', async () => {
  await using place = await premises();
  const load = { clients: 16, times: 3 };
  const outcome = await restartUnderLoad({
    start: () => run(drainedMain, { ...place.environment, ORDERS_DRAIN_SECONDS: DRAIN_UNTIL_TOLD_SECONDS }),
    sent: {
      path: '/api/orders',
      headers: { ...as('anna'), 'content-type': 'application/json' },
      body: '{"ticketId":"none"}',
    },
    ...load,
  });

  expectNothingLost(outcome, { ...load, status: 404 });
}, 120_000);

test('two processes on one database never sell a ticket twice, and a kill loses no order', async () => {
  await using place = await premises();
  const buyers = Array.from({ length: 20 }, (_, index) => `user-${index}`);
  let winners: string[];
  {
    await using one = await start(place.environment);
    await using two = await start(place.environment);
    const answers = await Promise.all(
      buyers.map(async (user, index) => {
        const { url } = index % 2 === 0 ? one : two;
        const { status } = await supertest(url).post('/api/orders').set(as(user)).send({ ticketId: scarce.id });
        return { user, status };
      }),
    );
    winners = answers.filter(({ status }) => status === 201).map(({ user }) => user);
    expect(answers.filter(({ status }) => status !== 201).every(({ status }) => status === 409)).toBe(true);
  }
  expect(winners).toHaveLength(scarce.stock);
  await using again = await start(place.environment);
  for (const user of winners) {
    const answer = await supertest(again.url).get('/api/orders').set(as(user));
    expect(answer.body).toMatchObject({ orders: [{ ticketId: scarce.id }] });
  }
});

test('an incomplete environment ends the process with a line per variable', async () => {
  const args = ['--conditions=authstack-source', main];
  const child = spawn(process.execPath, args, { env: {}, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += String(chunk);
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(78);
  expect(errors).toContain('ORDERS_AUTH_DIR: is not set');
});
