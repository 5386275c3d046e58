import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { consumerSecret, secretMount } from '../../../../packages/verify/src/testing/secret-mount.ts';
import type { KeyPair } from '../../../mongodb-agent/src/testing/certificates.ts';
import { authContract, verifiersReport } from '../api.ts';
import type { VerifiersReport } from '../api.ts';
import { storedSecret } from '../testing/cluster.ts';
import { consenting } from '../testing/consenting.ts';
import type { Consenting } from '../testing/consenting.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { ORIGIN, ringKey, until } from '../testing/world.ts';

/** A stack whose next key is post-quantum, and two services: one on this Node.js, one on another that knows no such key. */

const [k1, k2] = [ringKey('k1', 'active'), ringKey('pq', 'next', 'ML-DSA-44')];
const CLIENTS = ['shop/orders', 'shop/older'] as const;
const SECRET = 'CLIENT-SECRET';
const testing = join(import.meta.dirname, '../../../../packages/verify/src/testing');

let made: AsyncDisposableStack;
let clients: Consenting;
let operator: KeyPair;
let stack: TestStack;

beforeAll(async () => {
  made = new AsyncDisposableStack();
  clients = made.use(
    await consenting(CLIENTS.map((id) => ({ id, audience: 'shop', secrets: [storedSecret(SECRET)] }))),
  );
  operator = await clients.authority.issue(authContract.operatorCommonName);
  stack = made.use(await startStack({ environment: { ...clients.environment, HOSTNAME: 'shop-auth-1' } }));
  await stack.mounts.keys.swap({ 'ring.json': JSON.stringify({ version: 1, keys: [k1, k2] }) });
  await until(async () => (await stack.pods[0].probe('/metrics')).text.includes('{kid="pq"'), 'the ring is in use');
}, 60_000);

afterAll(() => made.disposeAsync());

interface Program {
  /** What it said last of itself. */
  readonly status: () => string;
}

async function aService(clientId: string, ...flags: readonly string[]): Promise<Program> {
  const url = `https://localhost:${stack.pods[0].service.ports.services}`;
  const jwks = JSON.stringify({ keys: [k1['publicJwk'], k2['publicJwk']] });
  const trust = { 'jwks.json': jwks, issuer: ORIGIN, origin: ORIGIN, audience: 'shop', 'auth-url': url };
  const identity = { 'ca.crt': clients.authority.cert, 'client-id': clientId, 'client-secret': SECRET };
  const mount = made.use(await secretMount(consumerSecret([], { ...trust, ...identity })));
  const program = join(testing, 'verifying-program.ts');
  const child = spawn(process.execPath, ['--conditions=authstack-source', ...flags, program, mount.directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  made.defer(async () => {
    child.kill();
    await once(child, 'close');
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { status: () => text.trim().split('\n').at(-1) ?? '' };
}

async function heard(): Promise<VerifiersReport['verifiers']> {
  const sent = request({
    ...{ path: authContract.verifiersPath, agent: false, servername: 'localhost', host: '127.0.0.1' },
    ...{ port: stack.pods[0].service.ports.operator, ca: clients.authority.cert, ...operator },
  }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks = (await answer.toArray()) as Buffer[];
  return verifiersReport.parse(JSON.parse(Buffer.concat(chunks).toString())).verifiers;
}

test('a service that ignores a key, for its Node.js has no such algorithm, does not acknowledge it, and says why', async () => {
  const current = await aService('shop/orders');
  const older = await aService('shop/older', '--import', join(testing, 'without-ml-dsa.ts'));
  await until(async () => (await heard()).length === 2, 'both have said which keys they have');

  const kids = new Map((await heard()).map((one) => [one.client, one.kids.toSorted()]));
  expect(kids).toEqual(
    new Map([
      ['shop/orders', ['k1', 'pq']],
      ['shop/older', ['k1']],
    ]),
  );
  const ignored = ['pq is for ML-DSA-44, which this version of Node.js lacks (24.7 has it)'];
  expect(JSON.parse(older.status())).toMatchObject({ state: 'ready', kids: ['k1'], ignoredKeys: ignored });
  expect(JSON.parse(current.status())).not.toHaveProperty('ignoredKeys');
}, 60_000);
