import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { JSONWebKeySet } from 'jose';
import { authContract, podStatus } from '../api.ts';
import { readWrappingKey, wrapKey } from '../keys/wrapped-key.ts';
import type { PrivateJwk, WrappingKey } from '../keys/wrapped-key.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { newcomer } from '../testing/visitor.ts';
import type { Visitor } from '../testing/visitor.ts';
import { mountSecret, ringKey, startPod, startReadyPod, until } from '../testing/world.ts';
import type { Mount, Pod, RingKey } from '../testing/world.ts';
import { RingNotUnwrapped, unwrapRing } from './unwrapped-ring.ts';
import type { UnwrappingPorts } from './unwrapped-ring.ts';

/** Pods whose key ring is wrapped with a key of another Secret. */

const [k1, k2, k3] = [ringKey('k1', 'active'), ringKey('k2', 'next'), ringKey('k3', 'next')] as const;
const mine = aKey();
const other = aKey();

function aKey(): WrappingKey & { readonly text: string } {
  const bytes = randomBytes(32);
  const key = readWrappingKey(bytes);
  if ('why' in key) throw new Error(key.why);
  return { ...key, text: bytes.toString('base64') };
}

async function wrapped(key: RingKey, by: WrappingKey, wraps = key.kid): Promise<RingKey> {
  const { privateJwk, ...rest } = key;
  if (privateJwk === undefined) return key;
  return { ...rest, privateJwk: await wrapKey(privateJwk as PrivateJwk, wraps, by) };
}

function retired({ privateJwk: _gone, ...key }: RingKey): RingKey {
  return { ...key, phase: 'retiring' };
}

async function ringOf(by: WrappingKey, ...keys: readonly RingKey[]): Promise<string> {
  return JSON.stringify({ keys: await Promise.all(keys.map((key) => wrapped(key, by))) });
}

function ports(before: UnwrappingPorts['before'], ...keys: readonly WrappingKey[]): UnwrappingPorts {
  const find = (id: string): WrappingKey | undefined => keys.find((key) => key.id === id);
  return { before, wrappingKeys: { find, ids: keys.map(({ id }) => id) } };
}

test('every private half is unwrapped with the key of its id, whichever other keys are there', async () => {
  const { ring, problem } = await unwrapRing(await ringOf(mine, k1, k2), ports(undefined, other, mine));
  expect(problem).toBeUndefined();
  expect(ring.active.kid).toBe('k1');
  expect(ring.signingKey('k2')).toMatchObject({ kid: 'k2' });
  expect(JSON.stringify(ring.jwks)).not.toContain('"d"');
});

test.each([
  ['the wrapping key', [other], /^key k1 is wrapped .*; this pod mounts the wrapping keys .{16}$/],
  ['any wrapping key', [], /^key k1 is wrapped .*; this pod mounts no wrapping key$/],
])('a ring is not used without %s, by a pod that does not know its keys', async (_what, ...[mounts, why]) => {
  const reading = unwrapRing(await ringOf(mine, k1, k2), ports(undefined, ...mounts));
  await expect(reading).rejects.toThrow(RingNotUnwrapped);
  await expect(reading).rejects.toThrow(why);
});

test('a ring whose keys were put in the place of each other is not used, though each of them is as it was wrapped', async () => {
  const [one, two] = await Promise.all([wrapped(k1, mine, 'k2'), wrapped(k2, mine, 'k1')]);
  const swapped = { ...one, privateJwk: two['privateJwk'] };
  for (const key of [one, swapped]) {
    const reading = unwrapRing(JSON.stringify({ keys: [key, two] }), ports(undefined, mine));
    await expect(reading).rejects.toThrow(RingNotUnwrapped);
  }
});

test('a ring whose next key cannot be unwrapped is not used: the key would be reported as loaded, and could not sign', async () => {
  const keys = [await wrapped(k1, mine), await wrapped(k2, other)];
  const reading = unwrapRing(JSON.stringify({ keys }), ports(undefined, mine));
  await expect(reading).rejects.toThrow(/^key k2 is wrapped/);
});

test('a pod that knows the keys goes on with them, through a promotion, and does not take a new one unseen', async () => {
  const before = (await unwrapRing(await ringOf(mine, k1, k2), ports(undefined, mine))).ring;

  const promoted = await ringOf(mine, retired(k1), { ...k2, phase: 'active' });
  const { ring, problem } = await unwrapRing(promoted, ports(before));
  expect(ring.active.kid).toBe('k2');
  expect(before.signingKey('k2')?.privateKey.equals(ring.active.privateKey)).toBe(true);
  expect(problem).toMatch(/^key k2 is wrapped with the key of id .{16}, which is not there; this pod mounts no/);

  await expect(unwrapRing(await ringOf(mine, k2, k3), ports(before))).rejects.toThrow(/^key k3 is wrapped/);
});

test('a key in memory is used for its own public half alone', async () => {
  const before = (await unwrapRing(await ringOf(mine, k1, k2), ports(undefined, mine))).ring;
  const impostor = await ringOf(other, ringKey('k1', 'active'), k2);
  await expect(unwrapRing(impostor, ports(before))).rejects.toThrow(/k1: its halves do not belong together/);
});

test('what is wrapped of an unknown kind of key is not looked at', async () => {
  const foreign = { kid: 'k9', phase: 'active', algorithm: 'X', publicJwk: {}, privateJwk: 'top-secret' };
  const keys = [await wrapped(k1, mine), { ...foreign, phase: 'next' }];
  const { ring } = await unwrapRing(JSON.stringify({ keys }), ports(undefined, mine));
  expect(ring.held).toContainEqual(expect.objectContaining({ kid: 'k9', phase: 'ignored' }));
});

let stack: TestStack;
let custody: Mount;
const made = new AsyncDisposableStack();

beforeAll(async () => {
  stack = made.use(await startStack());
  custody = made.use(await mountSecret({ key: mine.text }));
}, 60_000);

afterAll(() => made.disposeAsync());

const dirs = (...mounts: readonly Mount[]): Record<string, string> => ({
  AUTHSTACK_WRAPPING_KEY_DIRS: mounts.map(({ directory }) => directory).join(','),
});

async function install(by: WrappingKey, ...keys: readonly RingKey[]): Promise<void> {
  await stack.mounts.keys.swap({ 'ring.json': await ringOf(by, ...keys) });
}

async function kids(pod: Pod): Promise<readonly (string | undefined)[]> {
  const { keys } = (await (await fetch(`${pod.url}${authContract.jwksPath}`)).json()) as JSONWebKeySet;
  return keys.map(({ kid }) => kid);
}

/** The kid of a token that the pod signs now, which its key set verifies. */
async function signsWith(pod: Pod, visitor: Visitor): Promise<string | undefined> {
  await visitor.refresh(pod);
  const { keys } = (await (await fetch(`${pod.url}${authContract.jwksPath}`)).json()) as JSONWebKeySet;
  const { protectedHeader } = await jwtVerify(visitor.token, createLocalJWKSet({ keys }));
  return protectedHeader.kid;
}

async function problemOf(pod: Pod): Promise<string | undefined> {
  return podStatus.parse(JSON.parse((await pod.probe(authContract.statusPath)).text)).keys?.problem;
}

test('a pod signs with a wrapped key, and after a change of the wrapping key, a promotion and the way back to plain ones', async () => {
  await install(mine, k1, k2);
  await using pod = await startReadyPod(stack.mounts, dirs(custody));
  const visitor = await newcomer(pod);
  expect(await signsWith(pod, visitor)).toBe('k1');

  await custody.swap({ 'key-2': other.bytes, key: mine.text });
  await until(() => pod.log.some((line) => line.includes(other.id)), 'the pod has the next wrapping key');
  await install(other, k1, k2, retired(k3));
  await until(async () => (await kids(pod)).includes('k3'), 'the ring that is wrapped anew is read');
  await custody.swap({ 'key-2': other.bytes });
  await install(other, { ...k2, phase: 'active' }, k3);
  await until(async () => !(await kids(pod)).includes('k1'), 'the next key is promoted');
  expect([await signsWith(pod, visitor), await problemOf(pod)]).toEqual(['k2', undefined]);

  await stack.mounts.keys.swap({ 'ring.json': JSON.stringify({ keys: [{ ...k3, phase: 'active' }] }) });
  await until(async () => (await kids(pod)).join() === 'k3', 'the plain ring is read');
  expect(await signsWith(pod, visitor)).toBe('k3');
  for (const key of [k1, k2, k3]) {
    expect(pod.log.join('')).not.toContain((key['privateJwk'] as { readonly d: string }).d);
  }
  for (const { text } of [mine, other]) expect(pod.log.join('')).not.toContain(text);
  await custody.swap({ key: mine.text });
}, 60_000);

test('without the wrapping key a pod that runs signs on and says so, one that starts says why it is not ready, and both are right once it is back', async () => {
  await install(mine, k1, k2);
  await using running = await startReadyPod(stack.mounts, dirs(custody));
  const visitor = await newcomer(running);

  await custody.swap({});
  await until(async () => (await problemOf(running)) !== undefined, 'the pod notices that the wrapping key is gone');
  expect(await problemOf(running)).toMatch(/^key k1 is wrapped with .*; this pod mounts no wrapping key$/);
  expect(running.log.filter((line) => line.includes('from memory'))).toHaveLength(1);
  expect([await signsWith(running, visitor), (await running.probe('/readyz')).status]).toEqual(['k1', 200]);

  await using starting = await startPod(stack.mounts, dirs(custody));
  await until(async () => !(await starting.probe('/readyz')).text.includes('mongodb'), 'all but the ring is there');
  expect(await starting.probe('/readyz')).toMatchObject({
    status: 503,
    text: expect.stringMatching(
      /^signing-keys: key k1 is wrapped with the key of id .{16}, which is not there;/,
    ) as unknown,
  });

  await custody.swap({ key: other.text });
  await until(async () => (await starting.probe('/readyz')).text.includes(other.id), 'the wrong key is named');
  await custody.swap({ renamed: mine.text });
  await until(async () => (await starting.probe('/readyz')).status === 200, 'the pod that starts is ready');
  await until(async () => (await problemOf(running)) === undefined, 'nothing is wrong with the pod that runs');
  expect(await signsWith(starting, visitor)).toBe('k1');
}, 60_000);
