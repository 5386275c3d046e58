import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { readWrappingKey, unwrapKey, wrappingKeyIdOf } from '@authstack/auth-service/wrapped-key';
import type { PrivateJwk } from '@authstack/auth-service/wrapped-key';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { headerOf, newcomer } from '../../services/auth/src/testing/visitor.ts';
import type { Visitor } from '../../services/auth/src/testing/visitor.ts';
import { mountSecret, someSecrets, startPod, startReadyPod, until } from '../../services/auth/src/testing/world.ts';
import type { Mount, Pod } from '../../services/auth/src/testing/world.ts';
import { startApiServer } from '../../test/support/api-server.ts';
import type { ApiServer } from '../../test/support/api-server.ts';
import { applyTo } from '../../test/support/installed-operator.ts';
import { startReplicaSet } from '../../test/support/mongod.ts';
import { tool } from '../../test/support/tools.ts';
import { authStackKind } from './api/auth-stack.ts';
import { secretKind } from './runtime/core-kinds.ts';
import { eventually } from './runtime/testing/eventually.ts';
import { keyRing } from './stored/key-ring.ts';
import type { StoredKey, StoredRing } from './stored/key-ring.ts';
import { encodeText, textsIn } from './stored/secret.ts';
import { stackWith, startOperator } from './testing/operator-in-process.ts';
import type { OperatorInProcess } from './testing/operator-in-process.ts';

/** Private keys that are wrapped with a key of the stack's owner: the operator on a real API server, and pods that sign. */

const made = new AsyncDisposableStack();
let api: ApiServer;
let operator: OperatorInProcess;
let ahead = 0;
let keys: Mount;
let custody: Mount;
let secrets: Mount;
let mongodb: Mount;

beforeAll(async () => {
  api = made.use(await startApiServer({ crds: true }));
  await api.kubectl(['create', 'namespace', 'auth']);
  operator = made.use(startOperator(api, () => Date.now() + ahead));
  const database = made.use(await startReplicaSet(1));
  keys = made.use(await mountSecret({}));
  custody = made.use(await mountSecret({}));
  secrets = made.use(await mountSecret({ 'secrets.json': someSecrets() }));
  mongodb = made.use(await mountSecret({ uri: database.uri }));
}, 180_000);

afterAll(() => made.disposeAsync());

const messages: string[] = [];

async function becomes(expected: object): Promise<string> {
  const message = await eventually(
    async () => {
      const condition = await operator.keysReady('shop');
      expect(condition).toMatchObject(expected);
      return condition?.message ?? '';
    },
    { within: 60_000 },
  );
  messages.push(message);
  return message;
}

const wrappedBy = (entry: string): object => ({ encryption: { secretRef: { name: 'custody', key: entry } } });
const asked = (signingKeys: object): Promise<unknown> => applyTo(api, [stackWith('shop', signingKeys)]);

/** A command that a message gives, as a person runs it. */
async function follow(command: string, folder: string): Promise<void> {
  const bin = await mkdtemp(join(tmpdir(), 'bin-'));
  made.defer(() => rm(bin, { recursive: true, force: true }));
  await symlink(await tool('kubectl'), join(bin, 'kubectl'));
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, KUBECONFIG: api.kubeconfig };
  await promisify(execFile)('bash', ['-o', 'pipefail', '-c', command], { cwd: folder, env });
}

async function contentOf(name: string): Promise<Record<string, Uint8Array>> {
  const secret = await operator.find(secretKind, name);
  const entries = Object.entries(secret?.data ?? {});
  return Object.fromEntries(entries.map(([entry, value]) => [entry, Buffer.from(value, 'base64')]));
}

async function ring(): Promise<StoredRing> {
  const secret = await operator.find(secretKind, 'shop-signing-keys');
  const decoded = keyRing.decode(secret ? textsIn(secret) : {});
  if ('why' in decoded) throw new Error(decoded.why);
  return decoded.value;
}

async function ringWith(expected: object): Promise<StoredRing> {
  return eventually(
    async () => {
      const found = await ring();
      expect(found).toMatchObject(expected);
      return found;
    },
    { within: 60_000 },
  );
}

const half = (key: StoredKey | undefined): unknown => (key && key.phase !== 'retiring' ? key.privateJwk : undefined);
const kidOf = ({ keys: all }: StoredRing, phase: StoredKey['phase']): string =>
  all.find((key) => key.phase === phase)?.kid ?? '';

/** The private halves, with the wrapping keys that the Secret has now. */
async function unwrappedHalves(): Promise<readonly PrivateJwk[]> {
  const found = Object.values(await contentOf('custody')).map(readWrappingKey);
  const find = (id: string) => found.flatMap((key) => ('why' in key ? [] : [key])).find((key) => key.id === id);
  const halves = (await ring()).keys.map((key) => [key.kid, half(key)] as const);
  return Promise.all(halves.flatMap(([kid, jwe]) => (typeof jwe === 'string' ? [unwrapKey(jwe, kid, find)] : [])));
}

/** What kubelet does a minute later. */
async function remount(): Promise<void> {
  await keys.swap(await contentOf('shop-signing-keys'));
  await custody.swap(await contentOf('custody'));
}

const start = (ready = true): Promise<Pod> =>
  (ready ? startReadyPod : startPod)({ keys, secrets, mongodb }, { AUTHSTACK_WRAPPING_KEY_DIRS: custody.directory });

async function signsWith(pod: Pod, visitor: Visitor): Promise<unknown> {
  await visitor.refresh(pod);
  return headerOf(visitor.token)['kid'];
}

let folder: string;
let pod: Pod;
let visitor: Visitor;
let founded: StoredRing;

test('no key is made before the wrapping key is there, and the command of the message makes one', async () => {
  folder = await mkdtemp(join(tmpdir(), 'person-'));
  made.defer(() => rm(folder, { recursive: true, force: true }));
  await asked(wrappedBy('key'));
  const missing = await becomes({ status: 'False', reason: 'EncryptionKeyNotFound' });
  expect(await operator.find(secretKind, 'shop-signing-keys')).toBeUndefined();

  await api.kubectl(['-n', 'auth', 'create', 'secret', 'generic', 'custody', '--from-literal=key=correct horse']);
  const refused = await becomes({ status: 'False', reason: 'EncryptionKeyRefused' });
  expect(refused).toContain('key of Secret custody of spec.signingKeys.encryption has 13 bytes');
  await api.kubectl(['-n', 'auth', 'delete', 'secret', 'custody']);

  const [, command = ''] = /(openssl rand .*)$/.exec(missing) ?? [];
  await follow(command, folder);
  await becomes({ status: 'True', reason: 'UpToDate' });
  founded = await ring();
  expect(founded.wrapping).toMatchObject({ secretName: 'custody' });
}, 120_000);

test('nothing private is plain in the Secret, what is public is, and a pod signs with it', async () => {
  const halves = await unwrappedHalves();
  expect(halves).toHaveLength(2);
  const secret = await operator.find(secretKind, 'shop-signing-keys');
  const stored = JSON.stringify(secret) + JSON.stringify(secret ? textsIn(secret) : {});
  for (const { d } of halves as readonly { readonly d: string }[]) {
    for (const text of [d, encodeText(d), Buffer.from(d, 'base64url').toString('base64')]) {
      expect(stored).not.toContain(text);
    }
    const bytes = Buffer.from(d, 'base64url');
    for (const key of founded.keys) {
      for (const part of String(half(key)).split('.')) {
        expect(Buffer.from(part, 'base64url').includes(bytes)).toBe(false);
      }
    }
  }
  expect(founded.keys).toMatchObject([{ publicJwk: { kty: 'EC' } }, { publicJwk: { kty: 'EC' } }]);
  const stack = await operator.find(authStackKind, 'shop');
  expect(stack?.status?.signingKeys).toMatchObject({
    activeKid: kidOf(founded, 'active'),
    wrappingKeyId: founded.wrapping?.keyId,
  });

  await remount();
  pod = made.use(await start());
  visitor = await newcomer(pod);
  expect(await signsWith(pod, visitor)).toBe(kidOf(founded, 'active'));
}, 60_000);

test('the wrapping key is changed beside the former one, and the keys stay what they are', async () => {
  const before = await unwrappedHalves();
  await asked(wrappedBy('key-2'));
  const missing = await becomes({ status: 'False', reason: 'EncryptionKeyNotFound' });
  expect(await ring()).toEqual(founded);
  const [, command = ''] = /(openssl rand .*)$/.exec(missing) ?? [];
  const second = await mkdtemp(join(tmpdir(), 'person-'));
  made.defer(() => rm(second, { recursive: true, force: true }));
  await follow(command, second);
  expect(Object.keys(await contentOf('custody'))).toEqual(['key', 'key-2']);
  await becomes({ status: 'True', reason: 'UpToDate' });

  const changed = await ring();
  expect(changed.wrapping?.keyId).not.toBe(founded.wrapping?.keyId);
  expect(changed.version).toBeGreaterThan(founded.version);
  expect(changed.keys.map(({ kid, phase }) => [kid, phase])).toEqual(
    founded.keys.map(({ kid, phase }) => [kid, phase]),
  );
  expect(await unwrappedHalves()).toEqual(before);
  await api.kubectl([
    '-n',
    'auth',
    'patch',
    'secret',
    'custody',
    '--type=json',
    '-p',
    '[{"op":"remove","path":"/data/key"}]',
  ]);
  expect(await unwrappedHalves()).toEqual(before);

  await remount();
  await until(
    () => pod.log.some((line) => line.includes(changed.wrapping?.keyId ?? '')),
    'the pod has the new wrapping key',
  );
  expect(await signsWith(pod, visitor)).toBe(kidOf(changed, 'active'));
}, 120_000);

test('without it nothing is changed, a pod that runs signs on, and a stolen key is taken away all the same', async () => {
  const before = await ring();
  const custodyBefore = await contentOf('custody');
  await api.kubectl(['-n', 'auth', 'delete', 'secret', 'custody']);
  // What was seen counts for two minutes.
  ahead = 180_000;
  await api.kubectl(['-n', 'auth', 'annotate', 'authstack', 'shop', 'example.com/look=again']);
  const lost = await becomes({ status: 'False', reason: 'EncryptionKeyNotFound' });
  ahead = 0;
  expect(lost).toContain(`wrapped with the key of id ${before.wrapping?.keyId ?? ''}`);
  expect(await ring()).toEqual(before);
  await remount();
  expect(await signsWith(pod, visitor)).toBe(kidOf(before, 'active'));

  const [stolen, next] = [kidOf(before, 'active'), kidOf(before, 'next')];
  await api.kubectl(['-n', 'auth', 'annotate', 'authstack', 'shop', `authstack.dev/revoke-key=${stolen}`]);
  const after = await ringWith({ keys: [{ kid: next, phase: 'active' }], revoked: [{ kid: stolen }] });
  expect(half(after.keys[0])).toBe(half(before.keys.find(({ kid }) => kid === next)));
  await remount();
  await until(async () => (await signsWith(pod, visitor)) === next, 'the pod signs with the next key, from memory');
  await using starting = await start(false);
  await until(async () => !(await starting.probe('/readyz')).text.includes('mongodb'), 'all but the ring is there');
  expect((await starting.probe('/readyz')).text).toMatch(
    new RegExp(`^signing-keys: key ${next} is wrapped with the key of id`),
  );

  await api.kubectl(['-n', 'auth', 'annotate', 'authstack', 'shop', 'authstack.dev/revoke-key-']);
  const data = Object.fromEntries(
    Object.entries(custodyBefore).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
  );
  await applyTo(api, [{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'custody', namespace: 'auth' }, data }]);
  await ringWith({ keys: [{ kid: next, phase: 'active' }, { phase: 'next' }], wrapping: before.wrapping });
  await remount();
  await until(async () => (await starting.probe('/readyz')).status === 200, 'the pod that starts is ready');
}, 180_000);

test('keys that were put in the place of each other are noticed, and nothing is done with them', async () => {
  const before = await operator.find(secretKind, 'shop-signing-keys');
  const text = before ? (textsIn(before)['ring.json'] ?? '') : '';
  const [one, two] = (await ring()).keys.map((key) => String(half(key)));
  const swapped = text
    .replace(one ?? '', '…')
    .replace(two ?? '', one ?? '')
    .replace('…', two ?? '');
  const patch = (ringJson: string): Promise<string> =>
    api.kubectl([
      '-n',
      'auth',
      'patch',
      'secret',
      'shop-signing-keys',
      '-p',
      JSON.stringify({ stringData: { 'ring.json': ringJson } }),
    ]);
  await patch(swapped);
  const message = await becomes({ status: 'False', reason: 'SecretMalformed' });
  expect(message).toMatch(/was changed after it was wrapped, or another one was put in its place/);
  await remount();
  await until(
    () => pod.log.some((line) => line.includes('another one was put in its place')),
    'the pod notices as well',
  );
  expect(await signsWith(pod, visitor)).toBe(kidOf(await ring(), 'active'));
  await patch(text);
  await becomes({ status: 'True' });
}, 120_000);

test('without the field of the spec the keys are plain again, and what they are', async () => {
  const [before, wrapped] = [await unwrappedHalves(), await ring()];
  await asked({});
  await becomes({ status: 'True' });
  const plain = await ringWith({ keys: [{ privateJwk: { kty: 'EC' } }, { privateJwk: { kty: 'EC' } }] });
  expect(plain).not.toHaveProperty('wrapping');
  expect(plain.keys.map(half)).toEqual(before);
  expect(plain.version).toBeGreaterThan(wrapped.version);
  await remount();
  await until(async () => (await signsWith(pod, visitor)) === kidOf(plain, 'active'), 'the pod signs');

  await asked(wrappedBy('key-2'));
  const again = await ringWith({ wrapping: wrapped.wrapping });
  expect(again.keys.map((key) => wrappingKeyIdOf(String(half(key))))).toEqual(
    wrapped.keys.map(() => wrapped.wrapping?.keyId),
  );
}, 120_000);

test('a lost ring is made anew, wrapped', async () => {
  const before = await ring();
  await api.kubectl(['-n', 'auth', 'delete', 'secret', 'shop-signing-keys']);
  const after = await ringWith({ wrapping: before.wrapping });
  expect(kidOf(after, 'next')).not.toBe(kidOf(before, 'next'));
  expect(after.keys.map(half).filter((each) => each !== undefined && typeof each !== 'string')).toEqual([]);
}, 60_000);

test('no message, event or log tells anything of a key', async () => {
  const events = await api.kubectl(['-n', 'auth', 'get', 'events', '-o', 'json']);
  const told = [...messages, events, pod.log.join('')].join('\n');
  expect(told).toContain('SigningKeysWrapped');
  const wrapping = Object.values(await contentOf('custody')).map((bytes) => Buffer.from(bytes).toString().trim());
  const halves = (await unwrappedHalves()) as readonly { readonly d: string }[];
  for (const secret of [...wrapping, ...halves.map(({ d }) => d), 'correct horse']) {
    expect(secret.length).toBeGreaterThan(10);
    expect(told).not.toContain(secret);
  }
});
