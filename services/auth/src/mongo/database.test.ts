import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { systemClock } from '@authstack/http-service/clock';
import { pino } from 'pino';
import { authContract, podStatus } from '../api.ts';
import type { PodStatus } from '../api.ts';
import { startGuardedDatabase } from '../testing/guarded-database.mongo.ts';
import type { GuardedDatabase } from '../testing/guarded-database.mongo.ts';
import { newcomer } from '../testing/visitor.ts';
import type { Visitor } from '../testing/visitor.ts';
import { mountStack, PASSWORD, ringKey, startReadyPod, until } from '../testing/world.ts';
import type { Pod, StackMounts } from '../testing/world.ts';
import { createDatabase } from './database.ts';
import type { Database } from './database.ts';
import type { Link } from './link.ts';

let guarded: GuardedDatabase;
let count = 0;
/** A user of this test alone. */
let user: string;

beforeAll(async () => {
  guarded = await startGuardedDatabase();
}, 60_000);

afterAll(async () => {
  await guarded[Symbol.asyncDispose]();
});

beforeEach(() => {
  count += 1;
  user = `user${count}`;
});

interface Running extends AsyncDisposable {
  readonly pod: Pod;
  readonly mounts: StackMounts;
  use(uri: string): Promise<void>;
  connected(times: number): Promise<void>;
  status(): Promise<PodStatus['database']>;
}

async function running(uri: string): Promise<Running> {
  const mounts = await mountStack(uri, [ringKey('k1', 'active')]);
  const pod = await startReadyPod(mounts, { AUTHSTACK_TRUSTED_PROXIES: '127.0.0.0/8' });
  return {
    pod,
    mounts,
    use: (next) => mounts.mongodb.swap({ uri: next }),
    connected: (times) =>
      until(
        () => pod.log.filter((line) => line.includes('database connected')).length === times,
        `the database was connected ${times} times`,
      ),
    status: async () => podStatus.parse(JSON.parse((await pod.probe(authContract.statusPath)).text)).database,
    async [Symbol.asyncDispose]() {
      await pod[Symbol.asyncDispose]();
      await mounts[Symbol.asyncDispose]();
    },
  };
}

let networks = 0;

/** Throttles count by /24, or by device; nobody here is to meet them. */
function anotherNetwork(): string {
  networks += 1;
  return `198.18.${networks % 256}.1`;
}

interface Load {
  readonly served: number;
  stop(): Promise<{ readonly served: number; readonly lost: readonly string[] }>;
}

/** People who sign in, refresh and look who they are, without a pause. */
async function startLoad(pod: Pod, people: number): Promise<Load> {
  const visitors = await Promise.all(Array.from({ length: people }, () => newcomer(pod)));
  const lost: string[] = [];
  let served = 0;
  let isStopping = false;
  async function live(visitor: Visitor): Promise<void> {
    while (!isStopping) {
      const credentials = { email: visitor.email, password: PASSWORD };
      const requests = [
        ['POST /api/users/signin', { body: credentials }],
        ['POST /api/users/refresh', {}],
        ['GET /api/users/currentuser', {}],
      ] as const;
      for (const [request, sent] of requests) {
        const headers = { 'x-forwarded-for': anotherNetwork() };
        visitor.cookies.delete('device');
        const { status, body } = await visitor.on(pod, request, { ...sent, headers });
        if (status === 200) served += 1;
        else lost.push(`${status} ${JSON.stringify(body)}`);
      }
    }
  }
  const ended = Promise.all(visitors.map(live));
  return {
    get served() {
      return served;
    },
    async stop() {
      isStopping = true;
      await ended;
      return { served, lost };
    },
  };
}

test('five changed connection strings under load lose no request, and the connections before them are closed', async () => {
  const names = Array.from({ length: 6 }, (_, index) => `${user}-${index}`);
  const uris = await Promise.all(names.map((name) => guarded.addUser(name)));
  await using stack = await running(uris[0] ?? '');
  const load = await startLoad(stack.pod, 4);

  for (const [index, uri] of uris.slice(1).entries()) {
    await stack.use(uri);
    await stack.connected(index + 2);
    const servedBefore = load.served;
    await until(() => load.served > servedBefore + 8, 'requests are served over the new connection');
  }

  const { lost, served } = await load.stop();
  expect(lost).toEqual([]);
  expect(served).toBeGreaterThan(40);
  expect(await stack.status()).toEqual({ up: true });
  for (const name of names.slice(0, 5)) {
    await until(async () => (await guarded.connectionsOf(name)) === 0, `the connections of ${name} are closed`);
  }
  expect(await guarded.connectionsOf(names[5] ?? '')).toBeGreaterThan(0);
}, 120_000);

test.each([
  ['a wrong password', (good: string) => good.replace(/:[^:@]*@/, ':top-secret@'), /Authentication failed/],
  [
    'a host where nobody listens',
    (good: string) => good.replace(/of[^@]*@.*?\//, 'top-secret@127.0.0.1:1/'),
    /REFUSED/,
  ],
  ['what cannot be read', () => 'mongodb://someone:top-secret%zz@127.0.0.1/', /malformed/],
  [
    'a user who may not write',
    () => guarded.addUser(`${user}-reader`, { password: 'top-secret', roles: ['read'] }),
    /not authorized|not allowed/,
  ],
])(
  'a connection string changed to %s loses no request; /status names the reason and no password',
  async (_what, spoil, why) => {
    const good = await guarded.addUser(user);
    await using stack = await running(good);
    const load = await startLoad(stack.pod, 2);

    await stack.use(await spoil(good));
    await until(async () => (await stack.status()).problem !== undefined, 'the refusal is reported');
    const servedBefore = load.served;
    await until(() => load.served > servedBefore + 8, 'requests go on being served');

    const { lost } = await load.stop();
    expect(lost).toEqual([]);
    expect(await stack.status()).toEqual({ up: true, problem: expect.stringMatching(why) });
    expect((await stack.status()).problem).toContain('the one before stays in use');
    expect((await stack.pod.probe('/metrics')).text).toContain(
      'authstack_file_reloads_total{file="mongodb-uri",outcome="refused"} 1',
    );
    expect(await stack.pod.probe('/readyz')).toMatchObject({ status: 200 });
    expect(stack.pod.log.join('') + (await stack.pod.probe(authContract.statusPath)).text).not.toContain('top-secret');

    await stack.use(good);
    await until(async () => (await stack.status()).problem === undefined, 'the string from before is no problem');
    await stack.connected(1);
  },
  60_000,
);

interface Stores {
  readonly pings: { twice(between: Promise<unknown>): Promise<string> };
}

/** A store that is in the middle of its work for as long as a test likes; it answers which link it worked on. */
function storesOn(name: () => string): (link: Link) => Stores {
  return ({ connection, run }) => {
    const on = name();
    const ping = (): Promise<unknown> => connection.listCollections();
    return {
      pings: {
        async twice(between) {
          await run(ping);
          await between;
          await run(ping);
          return on;
        },
      },
    };
  };
}

interface Followed extends AsyncDisposable {
  readonly database: Database<Stores>;
  readonly pings: Stores['pings'];
  /** Changes the string, and answers once the new link is in use. */
  swapTo(name: string, uri: string): Promise<void>;
}

async function follow(name: string, first: string): Promise<Followed> {
  const stopping = new AbortController();
  let uri = first;
  let on = name;
  const database = createDatabase({
    uri: () => uri,
    stores: storesOn(() => on),
    prepare: () => Promise.resolve(),
    clock: systemClock,
    log: pino({ enabled: false }),
  });
  const pings = database.store((stores) => stores.pings);
  const keeping = database.keepConnected(stopping.signal);
  await until(() => database.ready, 'the database is connected');
  return {
    database,
    pings,
    async swapTo(next, to) {
      [on, uri] = [next, to];
      await until(async () => (await pings.twice(Promise.resolve())) === next, `${next} is in use`);
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await keeping;
      await database.close();
    },
  };
}

test.each<[string, (followed: Followed, between: Promise<unknown>) => Promise<unknown>]>([
  ['a call', ({ pings }, between) => pings.twice(between)],
  [
    'a transaction, with the calls inside it,',
    ({ database, pings }, between) =>
      database.transaction(async () => {
        await between;
        return pings.twice(Promise.resolve());
      }),
  ],
])(
  '%s that is under way when the connection changes ends on the old one, which is closed after it',
  async (...of) => {
    const [, begin] = of;
    const [old, next] = [`${user}-old`, `${user}-next`];
    await using followed = await follow(old, await guarded.addUser(old));
    const between = Promise.withResolvers<unknown>();
    const call = begin(followed, between.promise);

    await followed.swapTo(next, await guarded.addUser(next));
    expect(await guarded.connectionsOf(old)).toBeGreaterThan(0);
    between.resolve(undefined);

    expect(await call).toBe(old);
    await until(async () => (await guarded.connectionsOf(old)) === 0, 'the old connection is closed');
    expect(await followed.pings.twice(Promise.resolve())).toBe(next);
  },
  60_000,
);

test('closing does not wait for a call under way', async () => {
  await using followed = await follow(user, await guarded.addUser(user));
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const call = followed.pings.twice(promise);
  await followed.database.close();
  resolve(undefined);
  await expect(call).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
  await until(async () => (await guarded.connectionsOf(user)) === 0, 'the connection is closed');
}, 60_000);
