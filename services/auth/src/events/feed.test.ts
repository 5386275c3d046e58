import { createServer } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { feedApi } from '@authstack/verify/feed-api';
import { listen } from '@authstack/http-service/listener';
import { createPublicApp } from '@authstack/http-service/public-app';
import { mongo } from 'mongoose';
import { pino } from 'pino';
import { startMongod } from '../../../../test/support/mongod.ts';
import type { Mongod } from '../../../../test/support/mongod.ts';
import { authContract } from '../api.ts';
import { credentialOf } from '../clients/clients.ts';
import { problems } from '../errors.ts';
import { forgetful } from '../told/memory.ts';
import { routerOf } from '../http/route.ts';
import { parseKeyRing } from '../keys/key-ring.ts';
import { LoadedKeys } from '../keys/loaded-keys.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { createDatabase } from '../mongo/database.ts';
import { readEvents } from '../testing/event-reader.ts';
import type { EventReader } from '../testing/event-reader.ts';
import { MovableClock, ringKey, until } from '../testing/world.ts';
import { createFeedPositionStore } from './feed-position.mongo.ts';
import { Feed } from './feed.ts';
import { eventRoutes } from './routes.ts';
import { Verifiers } from './verifiers.ts';

const { snapshot, keysChanged, heartbeat } = feedApi.events;
const [k1, k2, k3] = [ringKey('k1', 'active'), ringKey('k2', 'next'), ringKey('k3', 'next')];
const ring = (version: number, keys = [k1, k2]) => parseKeyRing(JSON.stringify({ version, keys }));
const log = pino({ level: 'silent' });
/** Ten beats in two seconds. */
const PACE = 10;

let mongod: Mongod;
let databases = 0;
let databaseName: string;
const made: AsyncDisposable[] = [];

beforeAll(async () => {
  mongod = await startMongod({ replicaSet: 'rs0', initiate: true });
}, 60_000);
afterAll(async () => {
  await mongod[Symbol.asyncDispose]();
});
beforeEach(() => {
  databases += 1;
  databaseName = `feed-${databases}`;
});
afterEach(async () => {
  for (const each of made.splice(0).toReversed()) await each[Symbol.asyncDispose]();
});

interface TestPod {
  readonly url: string;
  readonly port: number;
  readonly keys: LoadedKeys;
  readonly feed: Feed;
  readonly clock: MovableClock;
  readonly verifiers: Verifiers;
  readonly counted: (metric: string) => Promise<string>;
  readonly stop: () => void;
}

/** The feed of a pod behind a listener that takes whoever says who it is. */
async function aPod({ drain = 0, isLoaded = true } = {}): Promise<TestPod> {
  const stopping = new AbortController();
  const clock = new MovableClock(PACE);
  const metrics = createMetrics();
  const database = createDatabase({
    uri: () => mongod.uri.replace('/?', `/${databaseName}?`),
    stores: (link) => ({ position: createFeedPositionStore(link) }),
    prepare: ({ position }) => position.prepare(),
    clock,
    log,
  });
  const keys = new LoadedKeys({ podName: 'shop-auth-1', clock, log, memory: forgetful() });
  if (isLoaded) keys.mount(ring(1));
  const feed = new Feed({
    position: database.store(({ position }) => position),
    ...{ keys, clock, log, drain, random: () => 0 },
    ended: (reason) => {
      metrics.feedStreamsEnded.inc({ reason });
    },
  });
  const verifiers = new Verifiers({ podName: 'shop-auth-1', clock });
  const app = createPublicApp({
    ...{ log, problems, duration: metrics.httpDuration },
    origin: () => undefined,
    mount: (routes) =>
      routes.use(
        routerOf(
          eventRoutes({
            feed,
            verifiers,
            acknowledged: (outcome) => {
              metrics.acknowledgements.inc({ outcome });
            },
          }),
          { clock, gates: { client: ({ headers }) => ({ id: String(headers.from), audience: 'shop', secrets: [] }) } },
        ),
      ),
  });
  const listener = await listen(createServer(app), { port: 0 });
  const running = [database.keepConnected(stopping.signal), feed.run(stopping.signal)];
  made.push({
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await database.close();
      await Promise.all(running);
      await listener.close();
    },
  });
  await until(() => database.ready, 'the database is connected');
  return {
    ...{ keys, feed, clock, verifiers, port: listener.port },
    url: `http://127.0.0.1:${listener.port}`,
    counted: async (metric) =>
      (await metrics.registry.metrics()).split('\n').find((line) => line.startsWith(metric)) ?? '',
    stop: () => {
      stopping.abort();
    },
  };
}

async function reading({ url }: TestPod, client = 'shop/orders', headers = {}): Promise<EventReader> {
  const reader = await readEvents(`${url}${authContract.eventsPath}`, { headers: { from: client, ...headers } });
  made.push(reader);
  return reader;
}

async function first(reader: EventReader, type: string) {
  await until(() => reader.events.some((event) => event.type === type), `a ${type} comes`);
  return reader.events.find((event) => event.type === type);
}

function epochOf(id: string | undefined): string {
  return id?.split('.')[0] ?? '';
}

test('a stream begins with a snapshot; then come heartbeats, each with a later reading of the database', async () => {
  const pod = await aPod();
  await first(await reading(pod), heartbeat);

  const reader = await reading(pod);

  expect(reader).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
  expect(reader.headers['content-type']).toMatch('text/event-stream');
  await first(reader, heartbeat);
  expect(reader.events[0]).toEqual({
    type: snapshot,
    id: expect.stringMatching(/^[\w-]{22}\.0$/),
    data: {
      asOf: expect.any(Number),
      keys: [k1['publicJwk'], k2['publicJwk']],
      signingKid: 'k1',
      revokedKids: [],
      version: 1,
    },
  });
  const times = [await reader.next(heartbeat), await reader.next(heartbeat)].map(({ data }) => Number(data['asOf']));
  expect(times[1]).toBeGreaterThan(times[0] ?? 0);
  expect(Math.abs((times[0] ?? 0) - Date.now())).toBeLessThan(10_000);
});

test('a change of the keys is sent at once, a revoked key with it; the same ring again is no change', async () => {
  const pod = await aPod();
  const reader = await reading(pod);
  await first(reader, snapshot);

  pod.keys.mount(ring(1));
  pod.keys.mount(ring(2, [k1, k2, k3]));
  pod.keys.reload({ keys: [k2['publicJwk'] as never], signingKid: 'k2', revokedKids: ['k1'], floor: 3 });

  await until(() => reader.events.filter(({ type }) => type === keysChanged).length > 1, 'both changes come');
  const changes = reader.events.filter(({ type }) => type === keysChanged).map(({ data }) => data);
  expect(changes).toMatchObject([
    { version: 2, signingKid: 'k1', keys: [{ kid: 'k1' }, { kid: 'k2' }, { kid: 'k3' }], revokedKids: [] },
    { version: 3, signingKid: 'k2', keys: [{ kid: 'k2' }], revokedKids: ['k1'] },
  ]);
  expect(JSON.stringify(changes)).not.toContain('"d":');
  const later = await reading(pod);
  expect((await first(later, snapshot))?.data).toMatchObject({ version: 3, revokedKids: ['k1'] });
});

test('a revoked kid that no ring has is told of as well', async () => {
  const pod = await aPod();
  const reader = await reading(pod);
  const told = reader.next(keysChanged);
  pod.keys.reload({ keys: [], revokedKids: ['k9'], floor: 0 });
  expect((await told).data).toMatchObject({ version: 1, keys: [{ kid: 'k1' }, { kid: 'k2' }], revokedKids: ['k9'] });
});

test('pods of one database share the epoch; another database has another; one that begins anew has a new one', async () => {
  const [pod, sibling] = await Promise.all([aPod(), aPod()]);
  const [reader, beside] = [await reading(pod), await reading(sibling)];
  const epoch = epochOf((await first(reader, heartbeat))?.id);
  expect(epochOf((await first(beside, heartbeat))?.id)).toBe(epoch);

  const client = await new mongo.MongoClient(mongod.uri).connect();
  const renewed = [reader, beside].map((each) => each.next(snapshot));
  await client.db(databaseName).collection('feed').deleteMany({});
  const epochs = (await Promise.all(renewed)).map(({ id }) => epochOf(id));
  expect(epochs[0]).toMatch(/^[\w-]{22}$/);
  expect(epochs[0]).not.toBe(epoch);
  expect(epochs[1]).toBe(epochs[0]);
  await client.close();

  databaseName = 'another';
  const other = await reading(await aPod());
  expect(epochs).not.toContain(epochOf((await first(other, heartbeat))?.id));
});

test('the position is read from what a majority has', async () => {
  await aPod();
  const client = await new mongo.MongoClient(mongod.uri).connect();
  const database = client.db(databaseName);
  await database.setProfilingLevel('all');
  const seen = database.collection('system.profile');
  await until(async () => (await seen.countDocuments({ 'command.aggregate': 'feed' })) > 1, 'it is read');
  await database.setProfilingLevel('off');
  const levels = await seen.distinct('command.readConcern.level', { 'command.aggregate': 'feed' });
  await client.close();
  expect(levels).toEqual(['majority']);
});

test('while the database is away there are no heartbeats; streams stay, keys change, and new streams begin', async () => {
  const pod = await aPod();
  const reader = await reading(pod);
  await first(reader, heartbeat);

  await mongod.kill();
  try {
    pod.clock.advance(5_001);
    const [beats, bytes] = [reader.events.length, reader.bytes];
    await until(() => reader.bytes >= bytes + 3 * ':\n\n'.length, 'something is sent all the same');
    expect(reader.events).toHaveLength(beats);
    const changed = reader.next(keysChanged);
    pod.keys.mount(ring(2, [k1, k2, k3]));
    expect((await changed).data).toMatchObject({ version: 2 });
    const late = await first(await reading(pod), snapshot);
    expect(late).toMatchObject({ data: { version: 2 }, id: reader.events.at(-1)?.id });
    expect(late?.data).not.toHaveProperty('asOf');
  } finally {
    await mongod.restart();
  }

  expect(reader.ended).toBeUndefined();
  await reader.next(heartbeat);
}, 60_000);

test('a client that does not read is cut off, and the others are sent everything', async () => {
  const pod = await aPod();
  const reader = await reading(pod);
  const stuck = connect(pod.port, '127.0.0.1');
  stuck
    .on('error', () => undefined)
    .write(`GET ${authContract.eventsPath} HTTP/1.1\r\nhost: x\r\nfrom: shop/stock\r\n\r\n`);
  await until(() => pod.feed.connections === 2, 'both are connected');
  stuck.pause();

  // Of keys that a client lets pass, for their size.
  const large = { ...(k2['publicJwk'] as { kid: string }), pad: 'x'.repeat(200) };
  let version = 1;
  await until(() => {
    for (let count = 0; count < 5; count += 1) {
      version += 1;
      const revokedKids = Array.from({ length: 256 }, (_, index) => `${version}-${index % 3}`.padEnd(120, 'x'));
      pod.keys.reload({ keys: [large], revokedKids, floor: version });
    }
    return pod.feed.connections === 1;
  }, 'the one that does not read is cut off');

  expect(await pod.counted('authstack_feed_streams_ended_total')).toBe(
    'authstack_feed_streams_ended_total{reason="not_reading"} 1',
  );
  await until(() => reader.events.some(({ data }) => data['version'] === version), 'the other has the last change');
  expect(reader.events.filter(({ type }) => type === keysChanged)).toHaveLength(version - 1);
  stuck.destroy();
}, 60_000);

test('streams end in order once the drain is over, and none before', async () => {
  const drain = 10_000;
  const pod = await aPod({ drain });
  const reader = await reading(pod);
  await first(reader, heartbeat);

  const stoppedAt = performance.now();
  pod.stop();
  const beat = reader.next(heartbeat);
  await until(() => reader.ended !== undefined, 'the stream ends');

  await beat;
  expect(performance.now() - stoppedAt).toBeGreaterThanOrEqual(drain / PACE - 50);
  expect(reader.ended).toBe('clean');
  expect(await pod.counted('authstack_feed_streams_ended_total')).toContain('reason="draining"} 1');
});

test('the streams of a client that is let in no longer end at once', async () => {
  const pod = await aPod();
  const [orders, stock] = [await reading(pod, 'shop/orders'), await reading(pod, 'shop/stock')];
  await Promise.all([first(orders, snapshot), first(stock, snapshot)]);

  const credential = credentialOf({ id: 'shop/stock', audience: 'shop', secrets: [] });
  pod.feed.keepOnly((client) => (client === 'shop/stock' ? credential : undefined));

  await until(() => orders.ended !== undefined, 'its stream ends');
  await stock.next(heartbeat);
  expect(pod.feed.connections).toBe(1);
});

test('the stream of a client whose credential may be another one ends in order, for it to be shown', async () => {
  const pod = await aPod();
  const reader = await reading(pod);
  await first(reader, snapshot);
  pod.feed.keepOnly(() => 'another');
  await until(() => reader.ended !== undefined, 'its stream ends');
  expect(reader.ended).toBe('clean');
  expect(await pod.counted('authstack_feed_streams_ended_total')).toContain('reason="credential_changed"} 1');
});

test('a client that leaves gives its place back', async () => {
  const pod = await aPod();
  const reader = await reading(pod);
  await first(reader, snapshot);
  await reader[Symbol.asyncDispose]();
  await until(() => pod.feed.connections === 0, 'its stream is gone');
  expect(await pod.counted('authstack_feed_streams_ended_total')).toContain('reason="client_gone"} 1');
});

test.each<[string, { readonly of?: object; readonly headers?: object; readonly status: number }]>([
  ['before the keys are loaded', { of: { isLoaded: false }, status: 503 }],
  ['with an instance that cannot be one', { headers: { [feedApi.instanceHeader]: 'x' }, status: 400 }],
])('%s there is no stream', async (_what, { of = {}, headers = {}, status }) => {
  const pod = await aPod(of);
  expect(await reading(pod, 'shop/orders', headers)).toMatchObject({ status, events: [] });
  expect(pod.feed.connections).toBe(0);
});

test('whoever asks for the head alone opens no stream', async () => {
  const pod = await aPod();
  const answer = await fetch(`${pod.url}${authContract.eventsPath}`, {
    method: 'HEAD',
    headers: { from: 'shop/orders' },
  });
  expect([answer.status, pod.feed.connections]).toEqual([200, 0]);
});

function acknowledge({ url }: TestPod, body: unknown, headers = {}): Promise<Response> {
  return fetch(`${url}${authContract.acknowledgePath}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', from: 'shop/orders', ...headers },
    body: JSON.stringify(body),
  });
}

const said = { instance: 'instance-1', name: 'orders-7d9f', kids: ['k1', 'k2'] };

test('an acknowledgement is stored under the client that shows its credential', async () => {
  const pod = await aPod();
  expect((await acknowledge(pod, said)).status).toBe(204);
  expect((await acknowledge(pod, said, { [authContract.clientIdHeader]: 'shop/orders' })).status).toBe(204);
  expect(pod.verifiers.report().verifiers).toMatchObject([{ client: 'shop/orders', ...said }]);
  expect(await pod.counted('authstack_acknowledgements_total')).toBe(
    'authstack_acknowledgements_total{outcome="stored"} 2',
  );
});

test('an acknowledgement that names another client is refused and counted', async () => {
  const pod = await aPod();
  const answer = await acknowledge(pod, said, { [authContract.clientIdHeader]: 'shop/stock' });
  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({ code: 'NOT_THAT_CLIENT' });
  expect(pod.verifiers.report().verifiers).toEqual([]);
  expect(await pod.counted('authstack_acknowledgements_total')).toBe(
    'authstack_acknowledgements_total{outcome="refused"} 1',
  );
});

test.each([
  ['no kids', { ...said, kids: undefined }],
  ['a client of its own', { ...said, client: 'shop/stock' }],
  ['too many kids', { ...said, kids: Array.from({ length: 257 }, (_, index) => `k${index}`) }],
])('an acknowledgement with %s is refused', async (_what, body) => {
  const pod = await aPod();
  expect((await acknowledge(pod, body)).status).toBe(400);
  expect(pod.verifiers.report().verifiers).toEqual([]);
});
