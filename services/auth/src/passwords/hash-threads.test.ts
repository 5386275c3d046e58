import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { verify } from '@node-rs/argon2';
import { expect, test } from '@jest/globals';
import { bundle, products } from '../../../../cluster/images.ts';
import { run } from '../../../../cluster/process.ts';
import { createHashThreads, hashingThreads } from './hash-threads.ts';

const pepper = new Uint8Array(32).fill(7);
const other = new Uint8Array(32).fill(9);

test('a thread hashes as the library verifies, and renews a right password alone', async () => {
  await using threads = createHashThreads(1);
  const { phc = '' } = await threads.run({ type: 'hash', password: 'right', pepper });
  expect(await verify(phc, 'right', { secret: pepper })).toBe(true);
  expect(await threads.run({ type: 'verify', phc, password: 'right', pepper })).toEqual({ isEqual: true });
  expect(await threads.run({ type: 'verify', phc, password: 'wrong', pepper, renewWith: other })).toEqual({
    isEqual: false,
  });
  const renewed = await threads.run({ type: 'verify', phc, password: 'right', pepper, renewWith: other });
  expect(renewed.isEqual).toBe(true);
  expect(await verify(renewed.phc ?? '', 'right', { secret: other })).toBe(true);
});

test('what cannot be hashed fails by itself, and the thread goes on', async () => {
  await using threads = createHashThreads(1);
  await expect(threads.run({ type: 'verify', phc: 'no hash', password: 'a', pepper })).rejects.toThrow(
    /hash a password/,
  );
  expect((await threads.run({ type: 'hash', password: 'a', pepper })).phc).toMatch(
    /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/,
  );
});

test('more hashes at once than threads are an error of ours', async () => {
  await using threads = createHashThreads(1);
  const first = threads.run({ type: 'hash', password: 'a', pepper });
  expect(() => threads.run({ type: 'hash', password: 'b', pepper })).toThrow(/all 1 hashing threads are busy/);
  await first;
});

test('a thread that ends fails its hash, and the next hash gets a new one', async () => {
  await using threads = createHashThreads(1);
  await threads.run({ type: 'hash', password: 'a', pepper });
  const lost = threads.run({ type: 'hash', password: 'b', pepper });
  await Promise.all([threads[Symbol.asyncDispose](), expect(lost).rejects.toThrow(/ended before its hash/)]);
  expect((await threads.run({ type: 'hash', password: 'c', pepper })).isEqual).toBe(false);
});

/** Niceness of each thread of this process by its name: proc_pid_stat(5), field 19. */
async function niceness(): Promise<Map<string, number>> {
  const of = new Map<string, number>();
  for (const thread of await readdir('/proc/self/task')) {
    const text = await readFile(`/proc/self/task/${thread}/stat`, 'utf8').catch(() => undefined);
    const [, name = '', fields = ''] = /^\d+ \((.*)\) (.*)$/s.exec(text ?? '') ?? [];
    if (text !== undefined) of.set(thread === String(process.pid) ? 'main' : name, Number(fields.split(' ')[16]));
  }
  return of;
}

(platform() === 'linux' ? test : test.skip)('hashing has a lower priority than the event loop', async () => {
  await using threads = createHashThreads(1);
  await threads.run({ type: 'hash', password: 'a', pepper });
  const of = await niceness();
  expect(of.get('password-hash')).toBe(Math.min(19, (of.get('main') ?? 0) + 5));
});

test('as bundled for the image it finds its threads as well', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bundle-'));
  try {
    const [product] = products.filter(({ name }) => name === 'auth');
    const { threads = [], unbundled = [] } = product ?? {};
    const entry = 'services/auth/src/passwords/hash-threads.ts';
    await bundle({ name: 'auth', entry, threads, unbundled }, folder);
    const script = `
      const { createHashThreads } = await import(${JSON.stringify(join(folder, 'app/hash-threads.js'))});
      await using threads = createHashThreads(1);
      const { phc } = await threads.run({ type: 'hash', password: 'a', pepper: new Uint8Array(32) });
      console.log(phc);
    `;
    expect(await run(process.execPath, ['--input-type=module', '-e', script])).toMatch(/^\$argon2id\$/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

const MiB = 2 ** 20;

test.each([
  ['every core hashes, for the event loop has the priority', { parallelism: 2, cores: 2, memory: 0 }, 2],
  ['a single core hashes', { parallelism: 1, cores: 1, memory: 0 }, 1],
  ['a quota leaves a core to the event loop', { parallelism: 3, cores: 8, memory: 0 }, 2],
  ['a quota of one core is shared', { parallelism: 1, cores: 8, memory: 0 }, 1],
  ['the threads fit into half of the memory', { parallelism: 64, cores: 64, memory: 512 * MiB }, 8],
  ['were it ever so little, one hashes', { parallelism: 8, cores: 8, memory: 16 * MiB }, 1],
])('%s', (_what, machine, threads) => {
  expect(hashingThreads(machine)).toBe(threads);
});
