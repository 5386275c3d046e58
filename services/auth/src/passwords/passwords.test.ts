import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { createMetrics } from '../metrics/metrics.ts';
import { parseSecrets } from '../secrets/secrets.ts';
import { someSecrets } from '../testing/world.ts';
import { HashQueue, Overloaded } from './hash-queue.ts';
import { newPassword, presentedPassword } from './password.ts';
import { createPasswords } from './passwords.ts';

function somePasswords() {
  const text = someSecrets();
  let secrets = parseSecrets(text);
  const metrics = createMetrics();
  const passwords = createPasswords({
    queue: new HashQueue({ concurrency: 2, waiting: 8 }),
    secrets: () => secrets,
    metrics,
  });
  const hashes = async () => {
    const { values } = await metrics.hashDuration.get();
    return values.find(({ metricName }) => metricName?.endsWith('_count'))?.value ?? 0;
  };
  return {
    passwords,
    hashes,
    /** A new pepper becomes current; the old one stays. */
    addPepper: () => {
      const content = JSON.parse(text) as { pepper: { current: string; keys: Record<string, string> } };
      content.pepper.keys['p2'] = randomBytes(32).toString('base64');
      content.pepper.current = 'p2';
      secrets = parseSecrets(JSON.stringify(content));
    },
  };
}

test('an unknown user costs the same one hash as a wrong password', async () => {
  const { passwords, hashes } = somePasswords();
  const stored = await passwords.hash('correct horse');
  await passwords.prepare();
  const before = await hashes();
  expect(await passwords.matches('wrong', stored)).toBe(false);
  const wrong = (await hashes()) - before;
  expect(await passwords.matches('wrong', undefined)).toBe(false);
  const unknown = (await hashes()) - before - wrong;
  expect([wrong, unknown]).toEqual([1, 1]);
});

test('a hash names its cost and its pepper, and holds through a change of the pepper', async () => {
  const { passwords, addPepper } = somePasswords();
  const stored = await passwords.hash('correct horse');
  expect(stored).toMatch(/^p1:\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  addPepper();
  expect(await passwords.matches('correct horse', stored)).toBe(true);
  expect(await passwords.hash('correct horse')).toMatch(/^p2:/);
});

test('without its pepper a hash is worth nothing', async () => {
  const stored = await somePasswords().passwords.hash('correct horse');
  expect(await somePasswords().passwords.matches('correct horse', stored)).toBe(false);
});

test('never more run at once than allowed, never more wait; the excess is refused at once', async () => {
  const queue = new HashQueue({ concurrency: 2, waiting: 3 });
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<number>());
  const running: Promise<number>[] = gates.map(({ promise }) => queue.run(() => promise));
  expect([queue.running, queue.waiting]).toEqual([2, 3]);
  await expect(queue.run(() => Promise.resolve(0))).rejects.toThrow(Overloaded);
  gates.forEach(({ resolve }, index) => {
    resolve(index);
  });
  expect(await Promise.all(running)).toEqual([0, 1, 2, 3, 4]);
  expect([queue.running, queue.waiting]).toEqual([0, 0]);
});

test('a failed hash gives its place back', async () => {
  const queue = new HashQueue({ concurrency: 1, waiting: 0 });
  await expect(queue.run(() => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory');
  expect(await queue.run(() => Promise.resolve('next'))).toBe('next');
});

test.each([
  ['eight characters', 'a'.repeat(8), true],
  ['seven', 'a'.repeat(7), false],
  ['eight of the upper planes', '🔑'.repeat(8), true],
  ['four of the upper planes, eight units', '🔑'.repeat(4), false],
  ['128 characters', 'a'.repeat(128), true],
  ['129 characters', 'a'.repeat(129), false],
  ['few that NFKC makes many', 'ﷺ'.repeat(8), false],
])('%s make a new password: %#', (_what, text, accepted) => {
  expect(newPassword(8).safeParse(text).success).toBe(accepted);
});

test('at sign-in a short password is only wrong, an endless one is refused', () => {
  expect(presentedPassword.safeParse('a').success).toBe(true);
  expect(presentedPassword.safeParse('a'.repeat(129)).success).toBe(false);
});
