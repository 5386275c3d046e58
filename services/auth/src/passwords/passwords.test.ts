import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '@authstack/http-service/clock';
import { createMetrics } from '../metrics/metrics.ts';
import { parseSecrets } from '../secrets/secrets.ts';
import { someSecrets } from '../testing/world.ts';
import { Admission, limitsFor, Overloaded } from './admission.ts';
import type { Applicant } from './admission.ts';
import type { HashJob } from './hash-job.ts';
import { createHashThreads } from './hash-threads.ts';
import type { HashThreads } from './hash-threads.ts';
import { newPassword, presentedPassword } from './password.ts';
import { createPasswords, pepperIdOf } from './passwords.ts';
import type { PasswordHash, Verdict } from './passwords.ts';

let threads: HashThreads;

beforeAll(() => {
  threads = createHashThreads(1);
});

afterAll(async () => {
  await threads[Symbol.asyncDispose]();
});

const applicant: Applicant = { prefix: 'home', account: 'me' };

/** What a thread is made to do, without what differs from user to user. */
function workOf(job: HashJob): object {
  if (job.type === 'hash') return { type: job.type, pepper: job.pepper.length };
  const [, kind, version, cost, salt = '', hash = ''] = job.phc.split('$');
  return { type: job.type, kind, version, cost, lengths: [salt, hash, job.pepper].map(({ length }) => length) };
}

function somePasswords(used = threads) {
  const content = JSON.parse(someSecrets()) as { pepper: { current: string; keys: Record<string, string> } };
  const metrics = createMetrics();
  const work: object[] = [];
  const passwords = createPasswords({
    admission: new Admission(limitsFor(1), systemClock),
    threads: {
      ...used,
      run(job) {
        work.push(workOf(job));
        return used.run(job);
      },
    },
    secrets: () => parseSecrets(JSON.stringify(content)),
    metrics,
  });
  const { keys } = content.pepper;
  return {
    passwords,
    metrics,
    hash: (password: string) => passwords.admit(applicant, (hashing) => hashing.hash(password)),
    verify: (password: string, stored?: PasswordHash): Promise<Verdict> =>
      passwords.admit(applicant, (hashing) => hashing.verify(password, stored)),
    /** Of the threads, so far. */
    work,
    /** A new pepper becomes current; the old one stays. */
    addPepper: () => {
      keys['p2'] = randomBytes(32).toString('base64');
      content.pepper.current = 'p2';
    },
    dropPepper: () => {
      delete keys['p1'];
    },
  };
}

test('an unknown address, a wrong password and a hash whose pepper is gone are the same work for a thread and answered alike', async () => {
  const { hash, verify, work, addPepper, dropPepper } = somePasswords();
  const stored = await hash('correct horse');
  addPepper();
  work.length = 0;
  const seen = [
    await verify('correct horse'),
    await verify('wrong', stored),
    await verify('wrong', await hash('of the new pepper')),
  ];
  dropPepper();
  seen.push(
    await verify('correct horse', stored),
    // The pepper that an address without an account was once compared with does not matter either.
    await verify('correct horse'),
  );
  expect(seen).toEqual(Array.from({ length: 5 }, () => ({ matches: false })));
  const verifying = work.filter((each) => 'kind' in each);
  expect(verifying).toHaveLength(5);
  expect(new Set(verifying.map((each) => JSON.stringify(each)))).toEqual(
    new Set([
      JSON.stringify({
        type: 'verify',
        kind: 'argon2id',
        version: 'v=19',
        cost: 'm=19456,t=2,p=1',
        lengths: [22, 43, 32],
      }),
    ]),
  );
});

test('each thread has made a hash before the first sign-in needs one', async () => {
  await using two = createHashThreads(2);
  const { passwords, work } = somePasswords(two);
  await passwords.prepare();
  expect(work).toEqual(Array.from({ length: 2 }, () => ({ type: 'hash', pepper: 32 })));
});

test('a hash names its cost and its pepper; under a new pepper the right password gets a new hash, and no other', async () => {
  const { hash, verify, addPepper, dropPepper } = somePasswords();
  const stored = await hash('correct horse');
  expect(stored).toMatch(/^p1:\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(await verify('correct horse', stored)).toEqual({ matches: true });

  addPepper();
  expect(await verify('wrong', stored)).toEqual({ matches: false });
  const { matches, renewed } = await verify('correct horse', stored);
  expect([matches, renewed && pepperIdOf(renewed)]).toEqual([true, 'p2']);
  expect(await hash('correct horse')).toMatch(/^p2:/);

  dropPepper();
  expect(await verify('correct horse', renewed)).toEqual({ matches: true });
});

test('without its pepper a hash is worth nothing', async () => {
  const stored = await somePasswords().hash('correct horse');
  expect(await somePasswords().verify('correct horse', stored)).toEqual({ matches: false });
});

test('whoever is refused is counted', async () => {
  const { passwords, metrics } = somePasswords();
  const gate = Promise.withResolvers<undefined>();
  const inside = Array.from({ length: limitsFor(1).perAccount }, () => passwords.admit(applicant, () => gate.promise));
  await expect(passwords.admit(applicant, () => gate.promise)).rejects.toThrow(Overloaded);
  gate.resolve(undefined);
  await Promise.all(inside);
  expect((await metrics.hashesRefused.get()).values[0]?.value).toBe(1);
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
