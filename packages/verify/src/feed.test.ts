import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { VerifierEvent } from './events.ts';
import { feedApi } from './feed-api.ts';
import { serviceApi } from './service-api.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { feedingListener, keysOf } from './testing/feeding.ts';
import type { FeedingListener } from './testing/feeding.ts';
import { claimsAt, signingKey, tokenOf } from './testing/issuer.ts';
import type { SigningKey } from './testing/issuer.ts';
import { consumerSecret, secretMount } from './testing/secret-mount.ts';
import type { Files, SecretMount } from './testing/secret-mount.ts';
import { until } from './testing/until.ts';
import { createVerifier } from './verifier.ts';
import type { Verifier } from './verifier.ts';

const { snapshot, keysChanged, heartbeat } = feedApi.events;
const [k1, k2, k3] = [signingKey('k1'), signingKey('k2'), signingKey('k3')];

let made: AsyncDisposableStack;
let pod: FeedingListener;

beforeEach(async () => {
  made = new AsyncDisposableStack();
  pod = made.use(await feedingListener(keysOf(1, [k1, k2])));
});
afterEach(() => made.disposeAsync());

interface Service {
  readonly verifier: Verifier;
  readonly clock: FakeClock;
  readonly events: readonly VerifierEvent[];
  readonly mount: SecretMount;
  /** Swaps the mounted Secret, and lets the verifier see it. */
  show(keys: readonly SigningKey[], changed?: Files): Promise<void>;
  /** What the verifier answers to a token of that key. */
  tries(key: SigningKey): string;
}

async function aService(
  keys: readonly SigningKey[] = [k1],
  changed: Files = {},
  options: object = {},
): Promise<Service> {
  const mount = made.use(await secretMount(consumerSecret(keys, { ...pod.files, ...changed })));
  const clock = new FakeClock();
  const events: VerifierEvent[] = [];
  const verifier = createVerifier({
    directory: mount.directory,
    clock,
    report: (event) => events.push(event),
    ...options,
  });
  made.defer(() => {
    void verifier.close();
  });
  return {
    ...{ verifier, clock, events, mount },
    async show(next, of = {}) {
      await mount.swap(consumerSecret(next, { ...pod.files, ...of }));
      clock.advance(1_000);
    },
    tries(key) {
      try {
        return verifier.verify(tokenOf(key, claimsAt(clock))).id;
      } catch (error) {
        return (error as { code: string }).code;
      }
    },
  };
}

const feedOf = ({ verifier: { status } }: Service) => (status.state === 'ready' ? status.feed : undefined);
const told = ({ events }: Service) => events.filter(({ type }) => type === 'feed');

function isConnected(service: Service): Promise<void> {
  return until(() => feedOf(service)?.state === 'connected' && pod.stream !== undefined, 'it is connected');
}

test('keys that the feed has and the mount does not show yet verify at once', async () => {
  const service = await aService();
  await isConnected(service);

  expect([service.tries(k1), service.tries(k2)]).toEqual(['user-1', 'user-1']);
  expect(service.verifier.status).toMatchObject({ kids: ['k1', 'k2'], feed: { state: 'connected' } });
  expect(told(service)).toEqual([{ type: 'feed', state: 'connected' }]);
  expect(service.events).toContainEqual({ type: 'keysFed', kids: ['k1', 'k2'], revokedKids: [] });
  const [asked] = pod.asked;
  expect(asked).toMatchObject({ method: 'GET', url: serviceApi.eventsPath });
  expect(asked?.headers[feedApi.instanceHeader]).toMatch(/^[\w-]{36}$/);
});

test('a revoked key is refused at once, cached tokens too, and no mount brings it back', async () => {
  const service = await aService([k1, k2]);
  await isConnected(service);
  const token = tokenOf(k1, claimsAt(service.clock));
  expect(service.verifier.verify(token)).toBeDefined();

  pod.send(keysChanged, keysOf(2, [k2], ['k1']));
  await until(() => service.tries(k1) !== 'user-1', 'it is refused');

  expect(() => service.verifier.verify(token)).toThrow(expect.objectContaining({ code: 'TOKEN_KEY_UNKNOWN' }));
  expect(service.verifier.status).toMatchObject({ kids: ['k2'], revokedKids: ['k1'] });
  await service.show([k1, k3]);
  expect([service.tries(k1), service.tries(k2), service.tries(k3)]).toEqual(['TOKEN_KEY_UNKNOWN', 'user-1', 'user-1']);

  pod.send(keysChanged, keysOf(3, [], ['k1', 'k2', 'k3']));
  await until(() => service.verifier.status.state === 'waiting', 'no key is left');
  expect(service.tries(k2)).toBe('VERIFIER_NOT_READY');
  expect(service.verifier.status).toMatchObject({ reason: expect.stringContaining('k1 is revoked') });
});

test('a change that adds a key keeps the cached tokens, and one that takes a key away does not', async () => {
  const service = await aService();
  await isConnected(service);
  const token = tokenOf(k1, claimsAt(service.clock));
  const user = service.verifier.verify(token);

  pod.send(keysChanged, keysOf(2, [k1, k2, k3]));
  await until(() => service.tries(k3) === 'user-1', 'the third key is in force');
  expect(service.verifier.verify(token)).toBe(user);

  pod.send(keysChanged, keysOf(3, [k1, k3]));
  await until(() => service.tries(k2) !== 'user-1', 'the second is not');
  expect(service.verifier.verify(token)).not.toBe(user);
});

test('what is in force is acknowledged at each change, by the mount as well, and every five seconds', async () => {
  const service = await aService();
  await until(() => pod.acknowledged.length === 1, 'the snapshot is acknowledged');
  pod.send(keysChanged, keysOf(2, [k2, k3]));
  await until(() => pod.acknowledged.length === 2, 'the change is acknowledged');
  await service.show([k3]);
  await until(() => pod.acknowledged.length === 3, 'the change of the mount is acknowledged');
  pod.send(heartbeat, { asOf: 1 });
  service.clock.advance(feedApi.acknowledgeEvery);
  await until(() => pod.acknowledged.length === 4, 'it is acknowledged again');

  expect(pod.acknowledged.map(({ kids }) => kids.toSorted())).toEqual([
    ['k1', 'k2'],
    ['k1', 'k2', 'k3'],
    ['k2', 'k3'],
    ['k2', 'k3'],
  ]);
  const [{ instance } = { instance: '' }] = pod.acknowledged;
  expect(new Set(pod.acknowledged.map((each) => each.instance)).size).toBe(1);
  expect(pod.asked[0]?.headers[feedApi.instanceHeader]).toBe(instance);
});

test('acknowledgements share a connection, which lasts no longer than the stream', async () => {
  const service = await aService();
  for (let times = 1; times <= 6; times += 1) {
    await until(() => pod.acknowledged.length === times, 'it is acknowledged');
    // Whatever it is answered.
    pod.acknowledgeStatus = times % 2 === 0 ? 204 : 503;
    pod.send(keysChanged, keysOf(1 + times, times % 2 === 0 ? [k2] : [k3]));
  }
  await until(() => pod.acknowledged.length === 7, 'it is acknowledged');
  expect([pod.streams, pod.connections]).toEqual([1, 2]);

  pod.stream?.end();
  await until(() => feedOf(service)?.state === 'connecting', 'the end is noticed');
  service.clock.advance(5_000);
  await until(() => pod.acknowledged.length === 8, 'it is acknowledged anew');
  expect([pod.streams, pod.connections]).toEqual([2, 4]);
});

test('an acknowledgement that is not taken is told of, and the feed goes on', async () => {
  pod.acknowledgeStatus = 503;
  const service = await aService();
  await until(() => pod.acknowledged.length === 1, 'it is acknowledged');
  const problem = () => feedOf(service);
  await until(() => JSON.stringify(problem()).includes('503'), 'the problem is told of');
  expect(problem()).toEqual({ state: 'connected', unacknowledged: 'the auth service answers 503' });

  pod.acknowledgeStatus = 204;
  service.clock.advance(feedApi.acknowledgeEvery);
  await until(() => JSON.stringify(problem()) === '{"state":"connected"}', 'it is taken');
});

test('a feed that goes away leaves what is in force, says why, and is back by itself', async () => {
  const service = await aService();
  await isConnected(service);
  service.clock.advance(8_000);

  pod.snapshot = keysOf(2, [k1, k3]);
  pod.stream?.destroy();
  await until(() => feedOf(service)?.state === 'connecting', 'the loss is noticed');
  expect([service.tries(k1), service.tries(k2)]).toEqual(['user-1', 'user-1']);
  expect(told(service)).toEqual([
    { type: 'feed', state: 'connected' },
    { type: 'feed', state: 'disconnected', reason: expect.any(String) },
  ]);
  expect(pod.streams).toBe(1);

  service.clock.advance(100);
  await isConnected(service);
  expect([service.tries(k2), service.tries(k3)]).toEqual(['TOKEN_KEY_UNKNOWN', 'user-1']);
  const asked = pod.asked.filter(({ url }) => url === serviceApi.eventsPath);
  expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'e.0']);
  expect(told(service).at(-1)).toEqual({ type: 'feed', state: 'connected' });
});

test('a stream that the auth service ends in order is followed by another at once, and nobody is told', async () => {
  const service = await aService();
  await isConnected(service);
  service.clock.advance(8_000);
  pod.stream?.end();
  await until(() => feedOf(service)?.state === 'connecting', 'the end is noticed');
  service.clock.advance(100);
  await until(() => pod.streams === 2, 'there is another');
  await isConnected(service);
  expect(told(service)).toEqual([{ type: 'feed', state: 'connected' }]);
});

test('streams that end as soon as they begin are waited for ever longer', async () => {
  const service = await aService();
  for (const [index, delay] of [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000].entries()) {
    await until(() => pod.streams === index + 1, 'a stream is opened');
    await isConnected(service);
    pod.stream?.end();
    await until(() => feedOf(service)?.state === 'connecting', 'its end is noticed');
    const before = pod.asked.length;
    service.clock.advance(delay / 2 - 1);
    await setImmediate();
    expect([delay, pod.asked.length]).toEqual([delay, before]);
    service.clock.advance(delay / 2 + 1);
  }
}, 30_000);

test('a stream on which nothing comes for ten seconds is given up, and one on which comments come is not', async () => {
  const service = await aService();
  await isConnected(service);
  for (let time = 0; time < 30_000; time += 9_000) {
    let comments = 0;
    await until(() => {
      pod.stream?.write(':\n\n');
      comments += 1;
      return comments > 20;
    }, 'comments are read');
    service.clock.advance(9_000);
  }
  expect([pod.streams, feedOf(service)?.state]).toEqual([1, 'connected']);

  service.clock.advance(10_000);
  await until(() => feedOf(service)?.state === 'connecting', 'it is given up');
  expect(feedOf(service)).toEqual({ state: 'connecting', reason: 'nothing came for 10 s' });
  service.clock.advance(100);
  await until(() => pod.streams === 2, 'it connects again');
});

test('a listener that accepts and never answers is given up, too', async () => {
  pod.snapshot = undefined;
  const service = await aService();
  await until(() => pod.streams === 1, 'it has asked');
  expect(feedOf(service)?.state).toBe('connecting');
  service.clock.advance(10_000);
  await until(() => JSON.stringify(feedOf(service)).includes('nothing came'), 'it is given up');
});

test.each<[string, () => void, RegExp]>([
  ['an event that cannot be read', () => pod.send(keysChanged, { keys: [] }), /does not say which keys are revoked/],
  ['an event without an end', () => pod.stream?.write(Buffer.alloc(1_200_000, 'x')), /more than 1048576 characters/],
])('%s ends the stream and changes nothing', async (_what, happens, why) => {
  const service = await aService();
  await isConnected(service);
  happens();
  await until(() => feedOf(service)?.state === 'connecting', 'the stream is given up');
  expect(feedOf(service)).toMatchObject({ reason: expect.stringMatching(why) });
  expect([service.tries(k1), service.tries(k2)]).toEqual(['user-1', 'user-1']);
});

test('events that this version does not know are let pass', async () => {
  const service = await aService();
  await isConnected(service);
  pod.send('session-revoked', 'not even JSON');
  pod.send(keysChanged, keysOf(2, [k1, k3]));
  await until(() => service.tries(k3) === 'user-1', 'what comes after it is read');
  expect(pod.streams).toBe(1);
});

test.each([
  [401, 'no consumer of that name', /the auth service refuses this service.*no consumer of that name/],
  [503, 'too many', /the auth service answers 503 instead of events/],
])('a refusal with %i is told of with its reason, and tried again', async (status, detail, reason) => {
  pod.refusal = { status, detail };
  const service = await aService();
  await until(() => told(service).length === 1, 'it is told of');
  expect(told(service)).toEqual([{ type: 'feed', state: 'disconnected', reason: expect.stringMatching(reason) }]);
  expect(service.tries(k1)).toBe('user-1');
  expect(JSON.stringify(service.events)).not.toContain('CLIENT-SECRET');

  pod.refusal = undefined;
  service.clock.advance(5_000);
  await isConnected(service);
});

test('without anything to show the auth service there is no feed, until there is', async () => {
  const { 'client-secret': secret = '', ...without } = consumerSecret([k1], pod.files);
  const service = await aService();
  await isConnected(service);
  await service.mount.swap({ ...without, 'client-id': 'shop/other' });
  service.clock.advance(1_000);
  await until(() => feedOf(service)?.state === 'off', 'it is off');
  expect(told(service).at(-1)).toEqual({
    type: 'feed',
    state: 'off',
    reason: expect.stringContaining('neither client-secret nor token is there'),
  });
  expect(pod.stream).toBeUndefined();

  await service.show([k1], { 'client-secret': secret });
  await isConnected(service);
});

test('with the option feed: false nobody is asked', async () => {
  const service = await aService([k1], {}, { feed: false });
  service.clock.advance(60_000);
  expect(service.verifier.status).toMatchObject({ feed: { state: 'off', reason: 'the option feed is false' } });
  expect([pod.asked.length, told(service)]).toEqual([0, []]);
});

test('a Secret that names another auth service is followed there', async () => {
  const service = await aService();
  await isConnected(service);
  const other = made.use(await feedingListener(keysOf(1, [k1, k3])));
  await service.show([k1], other.files);
  await until(() => other.stream !== undefined && service.tries(k3) === 'user-1', 'it is connected there');
  expect(pod.stream).toBeUndefined();
});

test('a verifier that is closed leaves', async () => {
  const service = await aService();
  await isConnected(service);
  void service.verifier.close();
  await until(() => pod.stream === undefined, 'its stream is closed');
  service.clock.advance(60_000);
  pod.send(snapshot, keysOf(2, [k3]));
  expect([pod.streams, service.tries(k3)]).toEqual([1, 'TOKEN_KEY_UNKNOWN']);
});

test('a verifier that is closed says goodbye over the connection that it acknowledged over, once', async () => {
  const service = await aService();
  await until(() => pod.acknowledged.length === 1, 'it is acknowledged');
  await Promise.all([service.verifier.close(), service.verifier.close()]);
  expect(pod.left).toEqual([pod.acknowledged[0]?.instance]);
  expect(pod.connections).toBeLessThanOrEqual(3);
});

test('a goodbye that is not taken, or not answered, is no error', async () => {
  const [refused, unanswered] = [await aService(), await aService()];
  await until(() => pod.acknowledged.length === 2, 'both are acknowledged');
  pod.acknowledgeStatus = 404;
  await refused.verifier.close();
  expect(pod.left).toHaveLength(1);

  pod.isMute = true;
  const closed = unanswered.verifier.close();
  await until(() => pod.left.length === 2, 'it says goodbye');
  unanswered.clock.advance(2_000);
  await closed;
});

test('who was never connected has nobody to say goodbye to', async () => {
  pod.refusal = { status: 503, detail: 'too many' };
  const service = await aService();
  await until(() => told(service).length === 1, 'it is refused');
  await service.verifier.close();
  expect(pod.left).toEqual([]);
});

test('a stream keeps no process alive', async () => {
  const mount = made.use(await secretMount(consumerSecret([k1], pod.files)));
  const code = `
    import { createVerifier } from '@authstack/verify';
    const verifier = createVerifier({ directory: ${JSON.stringify(mount.directory)}, report: ({ type, state }) => {
      if (type === 'feed') console.log(state);
    } });
    const busy = setInterval(() => { if (verifier.status.feed?.state === 'connected') clearInterval(busy); }, 10);
  `;
  const args = ['--conditions=authstack-source', '--input-type=module', '--eval', code];
  const cwd = join(dirname(fileURLToPath(import.meta.url)), '..');
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  const said = child.stdout.toArray();
  const [exitCode] = (await once(child, 'exit')) as [number];
  expect([exitCode, Buffer.concat((await said) as Buffer[]).toString()]).toEqual([0, 'connected\n']);
});
