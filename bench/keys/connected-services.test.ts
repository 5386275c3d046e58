import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { authConsumerKind } from '../../operator/src/api/auth-consumer.ts';
import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
import { consumerRef } from '../operator/seed.ts';
import { World } from './world.ts';

/**
 * From a service that verifies tokens, through an auth pod, to the operator that promotes: each the program that it is in a cluster, on
 * a real API server and a real mongod.
 */

const testing = join(import.meta.dirname, '../../packages/verify/src/testing');
const within = 240_000;
const made = new AsyncDisposableStack();
let world: World;

beforeAll(async () => {
  world = made.use(await World.start());
  await world.consumersBecome(1);
}, 300_000);
afterAll(() => made.disposeAsync(), 60_000);

interface Service {
  /** As when its pod is deleted, or its node is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

const anOlderService = (): Promise<Service> => aService('--import', join(testing, 'without-ml-dsa.ts'));

async function aService(...flags: readonly string[]): Promise<Service> {
  const directory = await world.mountOfConsumer(0);
  const args = ['--conditions=authstack-source', '--import', join(import.meta.dirname, 'network.ts'), ...flags];
  const child = spawn(process.execPath, [...args, join(testing, 'verifying-program.ts'), directory], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', BENCH_NAMES: JSON.stringify(world.namesFor(world.parts.pods)) },
  });
  const ended = once(child, 'exit');
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await ended;
  };
  made.defer(() => end('SIGKILL'));
  return { end };
}

const keysReady = () => world.status()?.conditions?.find(({ type }) => type === 'KeysReady');
const acknowledgedKids = () => world.parts.spectator.get(authConsumerKind, consumerRef(0))?.status?.acknowledgedKids;

async function becomes(reason: string, message: RegExp): Promise<void> {
  await eventually(
    () => {
      expect(keysReady()).toMatchObject({ reason, message: expect.stringMatching(message) });
    },
    { within },
  );
}

test('a connected service that lacks the next key holds it back by name; once it has ended in order, the others are enough', async () => {
  await aService();
  const older = await anOlderService();
  const before = world.status()?.signingKeys?.activeKid;
  await world.patch({ signingKeys: { algorithm: 'ML-DSA-44', rotationInterval: '1m', maxWait: '1h' } });

  await becomes('RotationBlocked', /^consumer-0\/bench \(.+\) has .+ and must load .+ \(ML-DSA-44\) first/);
  const next = world.status()?.signingKeys?.nextKid;
  expect(world.status()?.signingKeys?.activeKid).toBe(before);
  expect(acknowledgedKids() ?? []).not.toContain(next);

  await older.end('SIGTERM');

  await eventually(
    () => {
      expect(world.status()?.signingKeys?.activeKid).toBe(next);
      expect(acknowledgedKids()).toContain(next);
    },
    { within },
  );
}, 600_000);

test('one that has ended without a word is waited for', async () => {
  const older = await anOlderService();
  await becomes('RotationBlocked', /^consumer-0\/bench \(.+\) has .+ and must load/);
  const before = world.status()?.signingKeys?.activeKid;

  await older.end('SIGKILL');

  await becomes('RotationDelayed', /consumer-0\/bench \(.+\) was heard of last at .+; after signingKeys.maxWait/);
  expect(world.status()?.signingKeys?.activeKid).toBe(before);
}, 600_000);
