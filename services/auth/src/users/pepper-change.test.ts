import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mongo } from 'mongoose';
import { authContract } from '../api.ts';
import type { AuthSecrets } from '../api.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { fromPage, newcomer, send } from '../testing/visitor.ts';
import { anEmail, PASSWORD, startPod, until } from '../testing/world.ts';
import type { Pod } from '../testing/world.ts';

let stack: TestStack;
let pod: Pod;
let driver: mongo.MongoClient;

beforeAll(async () => {
  stack = await startStack({ pace: 10 });
  [pod] = stack.pods;
  driver = await new mongo.MongoClient(stack.database.uri).connect();
}, 60_000);

afterAll(async () => {
  await driver.close();
  await stack[Symbol.asyncDispose]();
});

async function pepperRing(): Promise<AuthSecrets['pepper']> {
  const text = await readFile(join(stack.mounts.secrets.directory, 'secrets.json'), 'utf8');
  return (JSON.parse(text) as AuthSecrets).pepper;
}

async function mount(pepper: AuthSecrets['pepper']): Promise<void> {
  const path = join(stack.mounts.secrets.directory, 'secrets.json');
  const rest = JSON.parse(await readFile(path, 'utf8')) as AuthSecrets;
  await stack.mounts.secrets.swap({ 'secrets.json': JSON.stringify({ ...rest, pepper }) });
}

/** Until the pod has loaded or refused the file once more. */
async function answered(outcome: 'loaded' | 'refused', change: () => Promise<void>): Promise<void> {
  const count = async () => metric(`authstack_file_reloads_total{file="secrets",outcome="${outcome}"}`);
  const before = (await count()) ?? 0;
  await change();
  await until(async () => ((await count()) ?? 0) > before, `the secrets are ${outcome}`);
}

async function metric(series: string): Promise<number | undefined> {
  const { text } = await pod.probe('/metrics');
  const line = text.split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.split(' ')[1]);
}

async function storedHash(email: string): Promise<string> {
  const users = driver.db(authContract.defaultDatabase).collection('users');
  return String((await users.findOne({ email }))?.['password']);
}

test('a pepper is replaced without anybody noticing, and goes once no stored password needs it', async () => {
  const old = await pepperRing();
  const [first, second] = [await newcomer(pod), await newcomer(pod)];
  const p2 = randomBytes(32).toString('base64');
  await answered('loaded', () => mount({ current: 'p2', keys: { ...old.keys, p2 } }));
  await until(async () => (await metric('authstack_password_hashes{pepper="p1",loaded="true"}')) === 2, 'both need p1');

  expect((await first.signIn(pod)).status).toBe(200);
  expect(await storedHash(first.email)).toMatch(/^p2:/);
  expect(await storedHash(second.email)).toMatch(/^p1:/);

  // Too early: refused, and whoever asks meanwhile is answered as before.
  await answered('refused', () => mount({ current: 'p2', keys: { p2 } }));
  expect(pod.log.join('')).toMatch(/need peppers that are missing .*: p1;/);
  expect((await second.signIn(pod)).status).toBe(200);
  await using late = await startPod(stack.mounts, {}, { pace: 10 });
  await until(
    async () => (await late.probe('/readyz')).status === 200,
    'a new pod takes the ring, for p1 is needed no more',
  );

  await answered('loaded', () => mount({ current: 'p2', keys: { p2 } }));
  await until(async () => (await metric('authstack_password_hashes{pepper="p2",loaded="true"}')) === 2, 'both have p2');
  expect(await metric('authstack_password_hashes{pepper="p1",loaded="true"}')).toBeUndefined();
  for (const visitor of [first, second]) expect((await visitor.signIn(pod)).status).toBe(200);
}, 60_000);

test('a pod that starts without a needed pepper says so and never becomes ready; it tells no accounts apart', async () => {
  const ring = await pepperRing();
  const visitor = await newcomer(pod);
  const p3 = randomBytes(32).toString('base64');
  await answered('refused', () => mount({ current: 'p3', keys: { p3 } }));
  await using late = await startPod(stack.mounts, {}, { pace: 10 });
  await until(
    async () => /^secrets: .* need peppers .*: p2;/m.test((await late.probe('/readyz')).text),
    'the pod names the pepper',
  );
  const answers = await Promise.all(
    [visitor.email, anEmail()].map((email) =>
      send(late, 'POST /api/users/signin', { headers: fromPage, body: { email, password: PASSWORD } }),
    ),
  );
  expect(answers.map(({ status, body }) => [status, (body as { code: string }).code])).toEqual([
    [503, 'NOT_READY'],
    [503, 'NOT_READY'],
  ]);
  await answered('loaded', () => mount(ring));
}, 60_000);

test('a hash that needs a pepper which nobody has is a wrong password to whoever asks', async () => {
  const visitor = await newcomer(pod);
  const users = driver.db(authContract.defaultDatabase).collection('users');
  const stranded = (await storedHash(visitor.email)).replace(/^[^:]+:/, 'gone:');
  await users.updateOne({ email: visitor.email }, { $set: { password: stranded, pepperId: 'gone' } });
  const answers = await Promise.all(
    [visitor.email, anEmail()].map((email) =>
      send(pod, 'POST /api/users/signin', { headers: fromPage, body: { email, password: PASSWORD } }),
    ),
  );
  expect(answers.map(({ status, body }) => [status, (body as { code: string }).code])).toEqual([
    [401, 'INVALID_CREDENTIALS'],
    [401, 'INVALID_CREDENTIALS'],
  ]);
  await until(
    () => pod.log.some((line) => line.includes('need peppers that are not among the secrets')),
    'it is logged',
  );
}, 60_000);
