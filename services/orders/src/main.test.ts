import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import supertest from 'supertest';
import { catalogue } from './orders/catalogue.ts';
import { as, premises } from './testing/shop.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const scarce = catalogue.find(({ stock }) => stock < 10) ?? { id: '', stock: 0 };

interface Running extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly url: string;
}

async function start(environment: Readonly<Record<string, string>>): Promise<Running> {
  const env = { PATH: process.env['PATH'], ...environment };
  const args = ['--conditions=authstack-source', '--disable-warning=ExperimentalWarning', main];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  return {
    child,
    url: `http://127.0.0.1:${await portOf(child.stdout)}`,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** As the process logs it, once it listens. */
async function portOf(stdout: Readable): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let output = '';
  stdout.on('data', (chunk) => {
    output += String(chunk);
    const [, port] = /"ports":\{"public":(\d+)/.exec(output) ?? [];
    if (port !== undefined) resolve(port);
  });
  stdout.once('end', () => {
    reject(new Error(`the process ended: ${output}`));
  });
  return promise;
}

test('the process drains at SIGTERM and exits 0', async () => {
  await using place = await premises();
  await using running = await start(place.environment);
  running.child.kill('SIGTERM');
  expect(await once(running.child, 'exit')).toEqual([0, null]);
});

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
