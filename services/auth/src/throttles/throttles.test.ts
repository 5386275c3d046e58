import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Mongoose } from 'mongoose';
import type { Connection } from 'mongoose';
import { pino } from 'pino';
import type { Millis } from '@authstack/http-service/clock';
import { startReplicaSet } from '../../../../test/support/mongod.ts';
import type { ReplicaSet } from '../../../../test/support/mongod.ts';
import { createMetrics } from '../metrics/metrics.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { DatabaseUnavailable } from '../mongo/database-unavailable.ts';
import { parseSecrets } from '../secrets/secrets.ts';
import { InvalidCredentials } from '../sessions/errors.ts';
import { outcomeOf } from '../sessions/sign-in.ts';
import { ageStored } from '../testing/stored.mongo.ts';
import { anEmail, MovableClock, someSecrets } from '../testing/world.ts';
import { clientAddresses } from './client-address.ts';
import type { Arrival } from './client-address.ts';
import { createDeviceCookie } from './device-cookie.ts';
import { withAccount } from './device-proof.ts';
import { TooManyAttempts } from './errors.ts';
import { delays, FORGET_SECONDS, SIGN_IN_POINTS, windows } from './limits.ts';
import type { Run } from '../mongo/link.ts';
import { readsOf } from '../mongo/reads.ts';
import { createThrottleStore } from './throttle-store.mongo.ts';
import type { ThrottleStore } from './throttle-store.ts';
import { createThrottles } from './throttles.ts';
import type { Throttles } from './throttles.ts';

interface Pod {
  readonly throttles: Throttles;
  readonly store: ThrottleStore;
  readonly metrics: Metrics;
  readonly log: readonly string[];
}

const MINUTE: Millis = 60_000;
const secrets = parseSecrets(someSecrets());
const clock = new MovableClock();
let mongod: ReplicaSet;
let connections: readonly Connection[];
let stores: readonly ThrottleStore[];
let pods: readonly [Pod, Pod];

const directly: Run = (work) => work();

beforeAll(async () => {
  mongod = await startReplicaSet(1);
  connections = await Promise.all([connect(), connect()]);
  const made = connections.map((connection) =>
    createThrottleStore({ connection, reads: readsOf(connection, () => false), run: directly, patiently: directly }),
  );
  await Promise.all(made.map((store) => store.prepare()));
  stores = made;
}, 60_000);

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await mongod[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await counters().deleteMany();
  const [one, other] = stores.map(aPod);
  if (one && other) pods = [one, other];
});

function connect(): Promise<Connection> {
  const options = { dbName: 'auth', autoIndex: false, autoCreate: false };
  return new Mongoose({ bufferCommands: false }).createConnection(mongod.uri, options).asPromise();
}

function aPod(store: ThrottleStore): Pod {
  const metrics = createMetrics();
  const log: string[] = [];
  const throttles = createThrottles({
    store,
    secrets: () => secrets,
    clientOf: clientAddresses(['10.0.0.0/8']),
    deviceCookie: createDeviceCookie({ issuer: 'http://localhost' }),
    outcomeOf,
    clock,
    log: pino({ base: null }, { write: (line: string) => log.push(line) }),
    metrics,
  });
  return { throttles, store, metrics, log };
}

async function timePasses(seconds: number): Promise<void> {
  clock.advance(seconds * 1000);
  await ageStored(mongod.uri, seconds * 1000);
}

/** As on a machine whose time is wrong by so much; nothing else may be under way. */
async function onMachine<T>(wrongBy: Millis, work: () => Promise<T>): Promise<T> {
  const now = Date.now();
  jest.useFakeTimers({ now: now + wrongBy, advanceTimers: false, doNotFake: [...everythingElse] });
  try {
    return await work();
  } finally {
    jest.useRealTimers();
  }
}

// But the date.
const everythingElse = [
  'nextTick',
  'setImmediate',
  'clearImmediate',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'queueMicrotask',
  'performance',
  'hrtime',
] as const;

function counters() {
  const [connection] = connections;
  if (!connection) throw new Error('not connected');
  return connection.collection<{ key: string; points: number; expire: Date | null }>('throttles');
}

function from(client: string, cookie?: string): Arrival {
  const headers = { 'x-forwarded-for': client, ...(cookie !== undefined && { cookie }) };
  return { socket: { remoteAddress: '10.1.2.3' }, headers };
}

const someone = anEmail;
/** A different network for each number. */
const network = (number: number): string => `198.${18 + Math.floor(number / 256)}.${number % 256}.7`;
const wrong = (): Promise<never> => Promise.reject(new InvalidCredentials());
const right = (): Promise<string> => Promise.resolve('signed in');

interface Tried {
  readonly email: string;
  readonly request?: Arrival;
  readonly pod?: Pod;
}

/** How an attempt ends: `signed in`, the code of its error, or the seconds to wait. */
async function attempt(
  password: () => Promise<string>,
  { email, request, pod = pods[0] }: Tried,
): Promise<string | number> {
  const by = { request: request ?? from('192.0.2.1'), account: email };
  return pod.throttles.signIn(by, password).catch((error: unknown) => {
    if (error instanceof TooManyAttempts) return error.retryAfterSeconds ?? 0;
    return error instanceof InvalidCredentials ? 'wrong' : String(error);
  });
}

async function refusedAfter(tried: Tried, most = 100): Promise<number> {
  for (let count = 0; count < most; count += 1) {
    if (typeof (await attempt(wrong, tried)) === 'number') return count;
  }
  return most;
}

test('pods that share a window grant it once, and again when it is over', async () => {
  const { points, seconds, share } = windows.sign_up;
  const admit = (index: number) =>
    (index % 2 === 0 ? pods[0] : pods[1]).throttles.admit('sign_up', from(`192.0.2.${index % 256}`));
  const granted = async (): Promise<number> => {
    const asked = await Promise.allSettled(Array.from({ length: points * 2 }, (_, index) => admit(index)));
    const refusals = asked.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    for (const refusal of refusals) expect(refusal).toBeInstanceOf(TooManyAttempts);
    return asked.length - refusals.length;
  };
  const first = await granted();
  expect(first).toBeLessThanOrEqual(points);
  expect(first).toBeGreaterThan(points - pods.length * share);
  const refusal = await pods[0].throttles.admit('sign_up', from('192.0.2.9')).catch((error: unknown) => error);
  expect(refusal).toMatchObject({ code: 'TOO_MANY_ATTEMPTS' });
  expect((refusal as TooManyAttempts).retryAfterSeconds).toBeLessThanOrEqual(seconds);

  await pods[0].throttles.admit('sign_up', from('192.0.3.1'));
  await timePasses(seconds);
  expect(await granted()).toBeGreaterThan(points - pods.length * share);
});

test('a network that has used its window up costs the database nothing', async () => {
  let asked = 0;
  const { store } = pods[0];
  const { throttles } = aPod({
    ...store,
    take: (...what) => {
      asked += 1;
      return store.take(...what);
    },
  });
  const { points, share } = windows.sign_up;
  const flood = () =>
    Promise.allSettled(Array.from({ length: points * 3 }, () => throttles.admit('sign_up', from('192.0.2.1'))));
  await flood();
  expect(asked).toBe(points / share + 1);
  await flood();
  expect(asked).toBe(points / share + 1);
});

test('guesses of one network at many accounts end early; its own known devices and other networks go on', async () => {
  const email = someone();
  const device = `device=${withAccount(undefined, email, secrets.refresh)}`;
  const most = windows.sign_in.points / SIGN_IN_POINTS;
  const guesses = Array.from({ length: most * 2 }, () => attempt(wrong, { email: someone() }));
  const told = (await Promise.all(guesses)).filter((answer) => answer === 'wrong');
  expect(told).toHaveLength(most);
  expect(typeof (await attempt(right, { email }))).toBe('number');
  expect(await attempt(right, { email, request: from('192.0.2.1', device) })).toBe('signed in');
  expect(await attempt(right, { email, request: from('192.0.3.1') })).toBe('signed in');
});

test('wrong passwords of one network make it wait for that account, ever longer, up to a quarter of an hour', async () => {
  const email = someone();
  const { free, firstSeconds, longestSeconds } = delays.address_on_account;
  for (let count = 0; count < free; count += 1) expect(await attempt(wrong, { email })).toBe('wrong');
  const waits: number[] = [];
  for (let count = 0; count < 10; count += 1) {
    // One more, at the other pod, and then none until the time is over, at neither.
    expect(await attempt(wrong, { email, pod: pods[count % 2 === 0 ? 0 : 1] })).toBe('wrong');
    const each = await Promise.all(pods.map((pod) => attempt(right, { email, pod })));
    const wait = Math.max(...each.map(Number));
    waits.push(wait);
    await timePasses(wait);
  }
  for (const [index, wait] of waits.entries()) {
    const delay = Math.min(longestSeconds, firstSeconds * 2 ** index);
    expect(wait).toBeLessThanOrEqual(delay);
    // Of the delay a slow machine has spent some before the second pod was asked.
    expect(wait).toBeGreaterThan(delay / 2);
  }
  expect(await attempt(right, { email: someone() })).toBe('signed in');
  await timePasses(FORGET_SECONDS);
  expect(await refusedAfter({ email })).toBe(free + 1);
});

describe.each<[string, readonly [Millis, Millis]]>([
  ['apart', [-10 * MINUTE, 10 * MINUTE]],
  ['behind that of the database', [-10 * MINUTE, -5 * MINUTE]],
  ['ahead of it', [10 * MINUTE, 5 * MINUTE]],
])('pods with clocks minutes %s', (_where, skews) => {
  const inTurn = <T>(index: number, work: (pod: Pod) => Promise<T>): Promise<T> => {
    const which = index % 2 === 0 ? 0 : 1;
    return onMachine(skews[which], () => work(pods[which]));
  };

  test('grant a window once, and again when it is over', async () => {
    const { points, seconds, share } = windows.sign_up;
    const granted = async (): Promise<number> => {
      let count = 0;
      for (let index = 0; index < points + 2 * share; index += 1) {
        const refusal = await inTurn(index, ({ throttles }) =>
          throttles.admit('sign_up', from('192.0.2.1')).then(
            () => undefined,
            (error: unknown) => error,
          ),
        );
        if (refusal === undefined) count += 1;
        else expect((refusal as TooManyAttempts).retryAfterSeconds).toBeLessThanOrEqual(seconds);
      }
      return count;
    };
    expect(await granted()).toBe(points);
    await timePasses(seconds);
    expect(await granted()).toBe(points);
  });

  test('make a guesser wait as long as one pod does', async () => {
    const email = someone();
    const { free, firstSeconds } = delays.address_on_account;
    const guess = (index: number) => inTurn(index, (pod) => attempt(wrong, { email, pod }));
    for (let count = 0; count <= free; count += 1) expect(await guess(count)).toBe('wrong');
    for (let count = 0; count < 4; count += 1) {
      const wait = await guess(count);
      expect(wait).toBeGreaterThan(0);
      expect(wait).toBeLessThanOrEqual(firstSeconds);
    }
    await timePasses(firstSeconds);
    const answers = [await guess(0), await guess(1), await guess(2)];
    expect(answers.filter((answer) => answer === 'wrong')).toHaveLength(1);
    await timePasses(FORGET_SECONDS);
    expect(await guess(1)).toBe('wrong');
  });
});

test('a right password ends the delays of its network', async () => {
  const email = someone();
  for (let count = 0; count < 4; count += 1) await attempt(wrong, { email });
  expect(await attempt(right, { email })).toBe('signed in');
  expect(await refusedAfter({ email })).toBe(delays.address_on_account.free + 1);
});

test('a stranger who guesses on locks nobody else out', async () => {
  const email = someone();
  for (let hour = 0; hour < 6; hour += 1) {
    await refusedAfter({ email });
    await timePasses(1_800);
    await refusedAfter({ email });
    expect(await attempt(right, { email, request: from('203.0.113.5') })).toBe('signed in');
    await timePasses(1_800);
  }
});

test('guesses from many networks make new devices wait a minute at most, and a known one not at all', async () => {
  const email = someone();
  const device = `device=${withAccount(undefined, email, secrets.refresh)}`;
  const { free, longestSeconds } = delays.account;
  const answers: (string | number)[] = [];
  for (let first = 0; first < free + 10; first += 10) {
    const some = Array.from({ length: 10 }, (_, index) =>
      attempt(wrong, { email, request: from(network(first + index)), pod: pods[index % 2 === 0 ? 0 : 1] }),
    );
    answers.push(...(await Promise.all(some)));
  }
  const told = answers.filter((answer) => answer === 'wrong').length;
  expect(told).toBeLessThanOrEqual(free + 1);
  expect(told).toBeGreaterThan(free - 10);
  for (let count = 0; count < 8; count += 1) {
    await timePasses(longestSeconds);
    expect(await attempt(wrong, { email, request: from(network(1_000 + count)) })).toBe('wrong');
  }
  const wait = await attempt(right, { email, request: from('203.0.113.5') });
  expect(typeof wait).toBe('number');
  expect(wait).toBeLessThanOrEqual(longestSeconds);
  expect(await attempt(right, { email, request: from('203.0.113.6', device) })).toBe('signed in');
  await timePasses(Number(wait));
  expect(await attempt(right, { email, request: from('203.0.113.5') })).toBe('signed in');
});

test('whoever has a known device in hand is slowed down as well', async () => {
  const email = someone();
  const request = from('192.0.2.1', `device=${withAccount(undefined, email, secrets.refresh)}`);
  expect(await refusedAfter({ email, request })).toBeLessThanOrEqual(delays.device.free + 1);
  expect(await attempt(right, { email, request: from('192.0.2.1') })).toBe('signed in');
});

test('guesses sent all at once, to all pods, gain a handful, once', async () => {
  const email = someone();
  let compared = 0;
  const guess = async (): Promise<never> => {
    compared += 1;
    await new Promise(setImmediate);
    throw new InvalidCredentials();
  };
  const burst = () =>
    Promise.all(
      Array.from({ length: 100 }, (_, index) => attempt(guess, { email, pod: index % 2 === 0 ? pods[0] : pods[1] })),
    );
  const { together } = delays.address_on_account;
  await burst();
  expect(compared).toBeGreaterThan(0);
  // And the one whose turn it is.
  expect(compared).toBeLessThanOrEqual(pods.length * together + 1);
  const before = compared;
  await timePasses(windows.sign_in.seconds);
  await burst();
  expect(compared - before).toBeLessThanOrEqual(1);
});

test('programs that sign in together with the right password are not guesses', async () => {
  const email = someone();
  const together = Array.from({ length: delays.address_on_account.together }, () => attempt(right, { email }));
  expect(new Set(await Promise.all(together))).toEqual(new Set(['signed in']));
  expect(await counters().countDocuments({ key: /^failures/ })).toBe(0);
});

test('what ends for another reason than the password counts as neither', async () => {
  const email = someone();
  for (let count = 0; count < 20; count += 1) await attempt(() => Promise.reject(new Error('busy')), { email });
  expect(await refusedAfter({ email })).toBe(delays.address_on_account.free + 1);
});

test('the database holds no address of a person or a machine, and forgets by itself', async () => {
  const email = someone();
  await refusedAfter({ email });
  await pods[0].throttles.admit('refresh', from('192.0.2.1'));
  const stored = await counters().find().toArray();
  expect(stored.length).toBeGreaterThanOrEqual(5);
  for (const { key, expire } of stored) {
    expect(key).toMatch(/^[a-z_:]+:[A-Za-z0-9_-]{43}$/);
    expect(expire).toBeInstanceOf(Date);
  }
  const indexes = await counters().indexes();
  expect(indexes).toContainEqual(expect.objectContaining({ key: { expire: 1 }, expireAfterSeconds: 0 }));
  expect(indexes).toContainEqual(expect.objectContaining({ key: { key: 1 }, unique: true }));
});

test('a refusal is counted, and in the log once a minute, without the address of anybody', async () => {
  const email = someone();
  const [{ log, metrics }] = pods;
  await refusedAfter({ email });
  for (let count = 0; count < 3; count += 1) await attempt(right, { email });
  const { values } = await metrics.throttled.get();
  expect(values).toEqual([{ labels: { operation: 'sign_in', by: 'address_on_account' }, value: 4 }]);
  expect(log).toHaveLength(1);
  expect(JSON.parse(log[0] ?? '')).toMatchObject({
    audit: 'throttled',
    operation: 'sign_in',
    by: 'address_on_account',
    network: '192.0.2.0/24',
  });
  expect(log.join()).not.toContain(email);
});

test('a proxy that nobody named is named in the log, once', async () => {
  const [{ throttles, log }] = pods;
  const request = { socket: { remoteAddress: '172.16.0.9' }, headers: { 'x-forwarded-for': '192.0.2.1' } };
  for (let count = 0; count < 3; count += 1) await throttles.admit('refresh', request);
  expect(log).toHaveLength(1);
  expect(JSON.parse(log[0] ?? '')).toMatchObject({ proxy: '172.16.0.9' });
});

const away = () => Promise.reject(new DatabaseUnavailable(new Error('no primary')));

test.each<[string, Partial<ThrottleStore>, boolean]>([
  ['windows cannot be asked for', { take: away }, false],
  ['failures cannot be read', { failures: away }, false],
  ['a wrong password cannot be counted', { addFailure: away }, true],
])('while %s, nobody is let in or told that a password is wrong', async (_, ...[broken, reached]) => {
  const pod = aPod({ ...pods[0].store, ...broken });
  let compared = false;
  const guess = () => {
    compared = true;
    return wrong();
  };
  const by = { request: from('192.0.2.1'), account: someone() };
  await expect(pod.throttles.signIn(by, guess)).rejects.toThrow(DatabaseUnavailable);
  expect(compared).toBe(reached);
});

test('whoever waited for another request to ask for a share, in vain, asks as well', async () => {
  const { store } = pods[0];
  const first = Promise.withResolvers<never>();
  let asked = 0;
  const { throttles } = aPod({
    ...store,
    take: (...what) => {
      asked += 1;
      return asked === 1 ? first.promise : store.take(...what);
    },
  });
  const both = [1, 2].map(() => throttles.admit('sign_up', from('192.0.2.1')));
  first.reject(new DatabaseUnavailable(new Error('no primary')));
  expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
});

test('sign-ins that the database kept from being tried do not use the window of their network up', async () => {
  const { store } = pods[0];
  let isAway = true;
  const pod = aPod({ ...store, failures: (subjects) => (isAway ? away() : store.failures(subjects)) });
  const most = windows.sign_in.points / SIGN_IN_POINTS;
  for (let count = 0; count < most * 2; count += 1) {
    expect(await attempt(right, { email: someone(), pod })).toMatch('DatabaseUnavailable');
  }
  isAway = false;
  expect(await attempt(right, { email: someone(), pod })).toBe('signed in');
});

test('the right password is right, although that cannot be written down', async () => {
  const email = someone();
  await attempt(wrong, { email });
  const pod = aPod({ ...pods[0].store, forget: away });
  expect(await attempt(right, { email, pod })).toBe('signed in');
});
