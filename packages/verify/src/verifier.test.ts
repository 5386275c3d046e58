import { compileFunction } from 'node:vm';
import { afterEach, expect, test } from '@jest/globals';
import { createVerifier } from './verifier.ts';
import type { Verifier } from './verifier.ts';
import type { VerifierEvent } from './events.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { claimsAt, signingKey, tokenOf } from './testing/issuer.ts';
import { consumerSecret, secretMount } from './testing/secret-mount.ts';

const k1 = signingKey('k1');
const k2 = signingKey('k2');
const k3 = signingKey('k3');

const opened: Verifier[] = [];
afterEach(() => {
  for (const verifier of opened.splice(0)) void verifier.close();
});

function open(directory: string, cacheSize?: number) {
  const clock = new FakeClock();
  const events: VerifierEvent[] = [];
  const verifier = createVerifier({
    directory,
    clock,
    feed: false,
    report: (event) => events.push(event),
    ...(cacheSize !== undefined && { cacheSize }),
  });
  opened.push(verifier);
  return { verifier, clock, events };
}

/** By the client secret of the mounted Secret. */
const client = { by: 'clientSecret', clientId: 'shop/orders' };
const feed = { state: 'off', reason: 'the option feed is false' };

test('keys that are there at the start are in force at once', async () => {
  await using mount = await secretMount(consumerSecret([k1]));
  const { verifier, clock } = open(mount.directory);
  expect(verifier.status).toEqual({ state: 'ready', issuer: 'https://shop.example.com', kids: ['k1'], client, feed });
  expect(verifier.verify(tokenOf(k1, claimsAt(clock)))).toMatchObject({
    id: 'user-1',
    sessionId: 'session-1',
    roles: ['user'],
  });
});

test('without its Secret a verifier waits, says what for, and is ready once the Secret is mounted', async () => {
  await using mount = await secretMount();
  const { verifier, clock } = open(mount.directory);
  const token = tokenOf(k1, claimsAt(clock));
  expect(verifier.status).toEqual({ state: 'waiting', reason: `${mount.directory}: jwks.json is missing` });
  expect(() => verifier.verify(token)).toThrow(expect.objectContaining({ code: 'VERIFIER_NOT_READY', status: 503 }));

  await mount.swap(consumerSecret([k1]));
  clock.advance(1_000);

  expect(verifier.verify(token)).toMatchObject({ id: 'user-1' });
});

test('a verifier waits for a directory that does not exist yet', async () => {
  await using mount = await secretMount();
  const { verifier } = open(`${mount.directory}/later`);
  expect(verifier.status).toMatchObject({ state: 'waiting', reason: expect.stringContaining('ENOENT') });
});

test('a swapped Secret is in force within a second, even without an event of the watch', async () => {
  await using mount = await secretMount(consumerSecret([k1]));
  const { verifier, clock } = open(mount.directory);
  await mount.swap(consumerSecret([k1, k2]));
  clock.advance(1_000);
  expect(verifier.verify(tokenOf(k2, claimsAt(clock)))).toMatchObject({ id: 'user-1' });
  await mount.swap(consumerSecret([k2, k3]));
  clock.advance(1_000);
  expect(verifier.status).toMatchObject({ state: 'ready', kids: ['k2', 'k3'] });
});

test('an event of the watch puts a swapped Secret in force at once', async () => {
  await using mount = await secretMount(consumerSecret([k1]));
  const { promise, resolve } = Promise.withResolvers<VerifierEvent>();
  const clock = new FakeClock();
  const verifier = createVerifier({
    directory: mount.directory,
    clock,
    report: (event) => {
      if (event.type === 'loaded' && event.kids.includes('k2')) resolve(event);
    },
  });
  opened.push(verifier);
  await mount.swap(consumerSecret([k2]));
  expect(await promise).toMatchObject({ kids: ['k2'] });
});

test('a token of a removed key is refused, although it was accepted and cached a moment ago', async () => {
  await using mount = await secretMount(consumerSecret([k1, k2]));
  const { verifier, clock } = open(mount.directory);
  const token = tokenOf(k1, claimsAt(clock));
  expect(verifier.verify(token)).toBeDefined();
  await mount.swap(consumerSecret([k2]));
  clock.advance(1_000);
  expect(() => verifier.verify(token)).toThrow(expect.objectContaining({ code: 'TOKEN_KEY_UNKNOWN' }));
});

test.each([
  ['broken keys', consumerSecret([k2], { 'jwks.json': '{"keys":[' }), 'jwks.json'],
  ['a missing file', { 'jwks.json': '{"keys":[]}' }, 'issuer is missing'],
])(
  '%s leave the last usable Secret in force, reported once, until a usable one is mounted',
  async (_what, bad, reason) => {
    await using mount = await secretMount(consumerSecret([k1]));
    const { verifier, clock, events } = open(mount.directory);
    await mount.swap(bad);
    clock.advance(5_000);

    expect(verifier.verify(tokenOf(k1, claimsAt(clock)))).toBeDefined();
    expect(verifier.status).toMatchObject({
      state: 'ready',
      kids: ['k1'],
      staleReason: expect.stringContaining(reason),
    });
    expect(events.filter(({ type }) => type === 'notLoaded')).toEqual([
      { type: 'notLoaded', reason: expect.stringContaining(reason), keptKids: ['k1'] },
    ]);

    await mount.swap(consumerSecret([k2]));
    clock.advance(1_000);
    expect(verifier.status).toEqual({ state: 'ready', issuer: 'https://shop.example.com', kids: ['k2'], client, feed });
  },
);

test('a Secret whose mount disappears leaves the last usable one in force', async () => {
  const mount = await secretMount(consumerSecret([k1]));
  const { verifier, clock } = open(mount.directory);
  await mount[Symbol.asyncDispose]();
  clock.advance(1_000);
  expect(verifier.verify(tokenOf(k1, claimsAt(clock)))).toBeDefined();
});

test('a cached token expires in time', async () => {
  await using mount = await secretMount(consumerSecret([k1]));
  const { verifier, clock } = open(mount.directory);
  const token = tokenOf(k1, claimsAt(clock));
  const first = verifier.verify(token);
  expect(verifier.verify(token)).toBe(first);
  clock.advance(1_809_000);
  expect(verifier.verify(token)).toBe(first);
  clock.advance(1_000);
  expect(() => verifier.verify(token)).toThrow(expect.objectContaining({ code: 'TOKEN_EXPIRED' }));
});

test('no more tokens are cached than cacheSize, and the others are verified again', async () => {
  await using mount = await secretMount(consumerSecret([k1]));
  const { verifier, clock } = open(mount.directory, 2);
  const tokens = ['a', 'b', 'c'].map((jti) => tokenOf(k1, { ...claimsAt(clock), jti }));
  const first = tokens.map((token) => verifier.verify(token));
  const second = tokens.map((token) => verifier.verify(token));
  expect(second).toEqual(first);
  const cached = second.filter((user, index) => user === first[index]).length;
  expect([1, 2]).toContain(cached);
});

test('a closed verifier follows no change', async () => {
  await using mount = await secretMount(consumerSecret([k1]));
  const { verifier, clock } = open(mount.directory);
  void verifier.close();
  await mount.swap(consumerSecret([k2]));
  clock.advance(10_000);
  expect(verifier.status).toMatchObject({ kids: ['k1'] });
});

test('`using` of Node itself closes a verifier at the end of its block', async () => {
  await using mount = await secretMount(consumerSecret([k1]));
  const { verifier, clock } = open(mount.directory);
  // Compiled by Node: the compiler of these tests has its own way of doing it.
  const hold = compileFunction('using held = verifier;', ['verifier']) as (verifier: Verifier) => void;
  hold(verifier);
  await mount.swap(consumerSecret([k2]));
  clock.advance(10_000);
  expect(verifier.status).toMatchObject({ kids: ['k1'] });
});
