import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ClientGone } from '../http/hang-up.ts';
import { TestClock } from '../testing/test-clock.ts';
import { Admission, limitsFor, Overloaded } from './admission.ts';
import type { Applicant } from './admission.ts';

/** Hashes that end when the test says so. */
function hashing() {
  const running: { readonly who: string; readonly end: (error?: Error) => void }[] = [];
  return {
    running,
    hash: (who: string) => (): Promise<string> => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      running.push({
        who,
        end: (error) => {
          if (error) reject(error);
          else resolve(who);
        },
      });
      return promise;
    },
  };
}

interface Asked {
  readonly outcome: Promise<string>;
  /** `refused` or what it was answered, once that is known. */
  readonly settled: { value?: string };
}

function applicants(limits = { running: 1, waiting: 4, perAccount: 4 }) {
  const clock = new TestClock();
  const admission = new Admission(limits, clock);
  const { running, hash } = hashing();
  const worked: string[] = [];
  const database: { comesBack?: Promise<undefined> | undefined } = {};
  function ask(who: string, more: Partial<Applicant> = {}): Asked {
    const [prefix = '', account = ''] = who.split('/');
    const settled: Asked['settled'] = {};
    const outcome = admission
      .admit({ prefix, account, ...more }, async ({ turn }) => {
        worked.push(who);
        if (database.comesBack) await database.comesBack;
        return turn(hash(who));
      })
      .catch((error: unknown) => (error instanceof Overloaded ? 'refused' : (error as Error).name))
      .then((value) => (settled.value = value));
    return { outcome, settled };
  }
  async function endOne(error?: Error): Promise<string | undefined> {
    const first = running.shift();
    first?.end(error);
    await settle();
    return first?.who;
  }
  return { admission, clock, database, ask, endOne, running, worked };
}

/** Everything that needs no timer has happened then. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

test('never more run at once than allowed, never more wait; the excess is refused before any work', async () => {
  const { admission, ask, endOne, running, worked } = applicants({ running: 2, waiting: 3, perAccount: 9 });
  const asked = Array.from({ length: 5 }, () => ask('one/a'));
  await settle();
  expect([running.length, admission.running, admission.waiting]).toEqual([2, 2, 3]);
  expect(await ask('one/a').outcome).toBe('refused');
  expect(worked).toHaveLength(5);
  for (let left = 5; left > 0; left -= 1) await endOne();
  expect(await Promise.all(asked.map(({ outcome }) => outcome))).toEqual(Array.from({ length: 5 }, () => 'one/a'));
  expect([admission.running, admission.waiting]).toEqual([0, 0]);
});

test.each([
  ['one network, many accounts', (index: number) => `flood/${index}`],
  ['one network, one account', () => 'flood/a'],
])('a flood from %s keeps nobody from another network out, and hardly waiting', async (_what, flooder) => {
  const { ask, endOne } = applicants();
  const flood = Array.from({ length: 20 }, (_, index) => ask(flooder(index)));
  const honest = ask('home/me');
  await settle();
  expect(honest.settled.value).toBeUndefined();
  expect(flood.map(({ settled }) => settled.value).filter((value) => value === 'refused')).toHaveLength(16);
  await endOne();
  await endOne();
  expect(await endOne()).toBe('home/me');
  expect(await honest.outcome).toBe('home/me');
});

test('a flood from as many networks as there are places keeps nobody of another network out', async () => {
  const { ask, endOne } = applicants();
  const networks = [0, 1, 2, 3, 4];
  const flood = (round: number): void => {
    for (const network of networks) ask(`net${network}/${round}`);
  };
  flood(0);
  await settle();
  for (const network of networks) expect(await endOne()).toBe(`net${network}/0`);
  flood(1);
  const honest = ask('home/me');
  flood(2);
  await settle();
  expect(honest.settled.value).toBeUndefined();
  while (honest.settled.value === undefined) await endOne();
  expect(await honest.outcome).toBe('home/me');
});

test('a flood on one account keeps nobody of the same network out', async () => {
  const { ask, endOne } = applicants();
  Array.from({ length: 20 }, () => ask('office/victim'));
  const honest = ask('office/me');
  await settle();
  await endOne();
  await endOne();
  expect(await endOne()).toBe('office/me');
  expect(await honest.outcome).toBe('office/me');
});

test('a flood on one account from everywhere leaves room for other accounts', async () => {
  const { admission, ask } = applicants(limitsFor(1));
  const flood = Array.from({ length: 100 }, (_, index) => ask(`net${index}/victim`));
  await settle();
  expect(flood.filter(({ settled }) => settled.value === 'refused')).toHaveLength(95);
  expect([admission.running, admission.waiting]).toEqual([1, 4]);
  const honest = ask('home/me');
  await settle();
  expect(honest.settled.value).toBeUndefined();
});

test('who crowds the line most is refused while reading, too, and learns of it at its turn', async () => {
  const admission = new Admission({ running: 1, waiting: 1, perAccount: 9 }, new TestClock());
  const reading = Promise.withResolvers<undefined>();
  const slow = (account: string) =>
    admission.admit({ prefix: 'flood', account }, async ({ turn }) => {
      await reading.promise;
      return turn(() => Promise.resolve(account));
    });
  const [first, second] = [slow('a'), slow('b')];
  const honest = admission.admit({ prefix: 'home', account: 'me' }, ({ turn }) => turn(() => Promise.resolve('me')));
  expect(await honest).toBe('me');
  reading.resolve(undefined);
  await expect(second).rejects.toThrow(Overloaded);
  expect(await first).toBe('a');
});

describe('while the database is away', () => {
  const LONG = 3_000;

  test('sign-ins of however many people and of one account wait for it, and are hashed once it is back', async () => {
    const { admission, clock, database, ask, endOne } = applicants();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    database.comesBack = promise;
    const asked: Asked[] = [];
    for (let round = 0; round < 10; round += 1) {
      asked.push(ask('home/me'), ask('home/me'), ask(`net${round}/other`));
      await clock.passes(LONG / 10);
    }
    expect([admission.running, admission.waiting]).toEqual([0, 0]);

    resolve(undefined);
    await settle();
    const next = [ask('home/me'), ask('elsewhere/new')];
    await settle();

    for (let left = asked.length + next.length; left > 0; left -= 1) expect(await endOne()).toBeDefined();
    const outcomes = await Promise.all([...asked, ...next].map(({ outcome }) => outcome));
    expect(outcomes).not.toContain('refused');
    expect([admission.running, admission.waiting, clock.isIdle]).toEqual([0, 0, true]);
  });

  test('whoever comes when it is back takes turns with those who waited', async () => {
    const { clock, database, ask, endOne } = applicants();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    database.comesBack = promise;
    for (let round = 0; round < 20; round += 1) {
      ask(`flood/${round}`);
      await clock.passes(LONG / 10);
    }
    resolve(undefined);
    database.comesBack = undefined;
    await settle();
    ask('home/me');
    await settle();
    const served = [await endOne(), await endOne(), await endOne()];
    expect(served).toContain('home/me');
  });

  test('who hangs up meanwhile is never hashed', async () => {
    const { admission, clock, database, ask, running } = applicants();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    database.comesBack = promise;
    const client = new AbortController();
    const gone = ask('one/a', { signal: client.signal });
    await clock.passes(LONG);
    client.abort();
    resolve(undefined);
    expect(await gone.outcome).toBe('ClientGone');
    expect([running.length, admission.running, admission.waiting]).toEqual([0, 0, 0]);
  });
});

test('who hangs up in line gives the place back at once and is never hashed', async () => {
  const { admission, ask, endOne, running } = applicants();
  const client = new AbortController();
  ask('one/a');
  const gone = ask('two/b', { signal: client.signal });
  await settle();
  expect(admission.waiting).toBe(1);
  client.abort();
  expect(admission.waiting).toBe(0);
  expect(await gone.outcome).toBe('ClientGone');
  expect(await endOne()).toBe('one/a');
  expect(running).toEqual([]);
});

test('who hangs up before asking, or while its hash runs, gets nothing', async () => {
  const { admission, ask, endOne, worked } = applicants();
  expect(await ask('one/a', { signal: AbortSignal.abort() }).outcome).toBe('ClientGone');
  expect(worked).toEqual([]);
  const client = new AbortController();
  const gone = ask('one/a', { signal: client.signal });
  await settle();
  client.abort();
  await endOne();
  expect(await gone.outcome).toBe('ClientGone');
  expect([admission.running, admission.waiting]).toEqual([0, 0]);
});

test('a failed hash, and work that needs none, give the place back', async () => {
  const { admission, ask, endOne } = applicants();
  const failed = ask('one/a');
  await settle();
  await endOne(new RangeError('no memory'));
  expect(await failed.outcome).toBe('RangeError');
  await admission.admit({ prefix: 'one', account: 'a' }, () => Promise.resolve());
  expect([admission.running, admission.waiting]).toEqual([0, 0]);
  expect(new ClientGone().code).toBe('CLIENT_GONE');
});

const names = fc.constantFrom('a', 'b', 'c');
const steps = fc.array(
  fc.oneof(
    fc.record({ ask: fc.record({ prefix: names, account: names }) }),
    fc.record({ end: fc.boolean() }),
    fc.record({ hangUp: fc.nat(20) }),
  ),
  { maxLength: 60 },
);

test('whatever comes, ends and leaves, the limits hold, no thread idles while somebody waits, and all places come back', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const limits = { running: 2, waiting: 3, perAccount: 3 };
      const { admission, ask, endOne, running } = applicants(limits);
      const asked: { readonly client: AbortController; readonly outcome: Promise<string> }[] = [];
      for (const step of history) {
        if ('ask' in step) {
          const client = new AbortController();
          const { prefix, account } = step.ask;
          asked.push({ client, outcome: ask(`${prefix}/${account}`, { signal: client.signal }).outcome });
        } else if ('end' in step) await endOne(step.end ? undefined : new Error('failed'));
        else asked[step.hangUp]?.client.abort();
        await settle();
        expect(running.length).toBe(admission.running);
        expect(admission.running).toBeLessThanOrEqual(limits.running);
        expect(admission.running + admission.waiting).toBeLessThanOrEqual(limits.running + limits.waiting);
        if (admission.running < limits.running) expect(admission.waiting).toBe(0);
      }
      while (running.length > 0) await endOne();
      await Promise.all(asked.map(({ outcome }) => outcome));
      expect([admission.running, admission.waiting]).toEqual([0, 0]);
    }),
    { numRuns: 50 },
  );
});
