import { connect } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mongo } from 'mongoose';
import { limitsFor } from '../passwords/admission.ts';
import { hashingThreads } from '../passwords/hash-threads.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { fromPage, newcomer, send } from '../testing/visitor.ts';
import type { Visitor } from '../testing/visitor.ts';
import { anEmail, MACHINE, PASSWORD, until } from '../testing/world.ts';
import type { Pod } from '../testing/world.ts';

let stack: TestStack;
let pod: Pod;
let driver: mongo.MongoClient;
let visitor: Visitor;

beforeAll(async () => {
  stack = await startStack({ environment: { AUTHSTACK_TRUSTED_PROXIES: '127.0.0.0/8' } });
  [pod] = stack.pods;
  driver = await new mongo.MongoClient(stack.database.uri).connect();
  visitor = await newcomer(pod);
}, 60_000);

afterAll(async () => {
  await driver.close();
  await stack[Symbol.asyncDispose]();
});

const limits = limitsFor(hashingThreads(MACHINE));

async function metric(series: string): Promise<number> {
  const { text } = await pod.probe('/metrics');
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return Number(line?.split(' ')[1] ?? 0);
}

test('what exceeds the places is refused with Retry-After', async () => {
  const body = { email: visitor.email, password: PASSWORD };
  const answers = await Promise.all(
    Array.from({ length: 3 * limits.perAccount }, () =>
      send(pod, 'POST /api/users/signin', { headers: fromPage, body }),
    ),
  );
  const refused = answers.filter(({ status }) => status !== 200);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThan(answers.length);
  for (const answer of refused) {
    expect(answer).toMatchObject({ status: 503, body: { code: 'OVERLOADED' }, headers: { 'retry-after': '1' } });
  }
});

test('a flood from one network keeps nobody of another out', async () => {
  const headers = { ...fromPage, 'x-forwarded-for': '203.0.113.7' };
  const flood = Array.from({ length: 60 }, () =>
    send(pod, 'POST /api/users/signin', { headers, body: { email: anEmail(), password: PASSWORD } }),
  );
  expect((await visitor.signIn(pod)).status).toBe(200);
  for (const { status } of await Promise.all(flood)) expect([401, 503]).toContain(status);
});

test('a flood on one account from everywhere does not keep its owner out on a known device', async () => {
  const body = { email: visitor.email, password: PASSWORD };
  const flood = Array.from({ length: 60 }, (_, index) => {
    const headers = { ...fromPage, 'x-forwarded-for': `203.0.${index}.7` };
    return send(pod, 'POST /api/users/signin', { headers, body });
  });
  expect((await visitor.signIn(pod)).status).toBe(200);
  expect((await Promise.all(flood)).map(({ status }) => status)).toContain(503);
});

test('clients that hang up leave the line, and no session is opened for them', async () => {
  const sessions = driver.db('auth').collection('sessions');
  const before = await sessions.countDocuments();
  const { hostname, port } = new URL(pod.url);
  const body = JSON.stringify({ email: visitor.email, password: PASSWORD });
  const head = Object.entries({
    ...fromPage,
    host: hostname,
    'content-type': 'application/json',
    'content-length': body.length,
  });
  const clients = await Promise.all(
    Array.from({ length: limits.perAccount }, async () => {
      const client = connect(Number(port), hostname);
      await once(client, 'connect');
      return client;
    }),
  );
  await Promise.all(
    clients.map(async (client) => {
      client.write(
        `POST /api/users/signin HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n${body}`,
      );
      client.destroy();
      await once(client, 'close');
    }),
  );
  const gone = 'authstack_sign_ins_total{outcome="client_gone"}';
  await until(async () => (await metric(gone)) === clients.length, 'all are known to be gone');
  expect(await metric('authstack_password_hash_queue{state="waiting"}')).toBe(0);
  expect(await sessions.countDocuments()).toBe(before);
});
