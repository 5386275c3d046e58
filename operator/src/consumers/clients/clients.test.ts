import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { clientsDocument } from '@authstack/auth-service/api';
import type { ClientsDocument } from '@authstack/auth-service/api';
import { startApiServer } from '../../../../test/support/api-server.ts';
import type { ApiServer } from '../../../../test/support/api-server.ts';
import { applyTo, installOperator } from '../../../../test/support/installed-operator.ts';
import type { InstalledOperator } from '../../../../test/support/installed-operator.ts';
import { eventually } from '../../runtime/testing/eventually.ts';
import { secretHash } from '../../stored/client-key.ts';

/** Whom a stack's auth pods are to let in, as the operator writes it to a real API server. */

const SYSTEM = 'authstack-system';
/** A promise to people who withdraw their consent. */
const REFUSED_WITHIN = 5_000;

let folder: string;
let api: ApiServer;
let operator: InstalledOperator;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clients-'));
  api = await startApiServer();
  for (const namespace of [SYSTEM, 'auth', 'shop']) await api.kubectl(['create', 'namespace', namespace]);
  await trust('shop');
  const release = { name: 'auth-stack', namespace: SYSTEM };
  operator = await installOperator(api, { release, log: join(folder, 'operator.log') });
  await applyTo(api, [authStack()]);
}, 180_000);

afterAll(async () => {
  await operator[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function authStack(spec: object = {}): object {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name: 'main', namespace: 'auth' },
    spec: {
      publicURL: 'https://main.example.com',
      auth: { audience: ['shop'] },
      consumers: { allowedNamespaces: { from: 'Selector', selector: { matchLabels: { trusted: 'true' } } } },
      ...spec,
    },
  };
}

function authConsumer(name: string, serviceAccountName?: string): object {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthConsumer',
    metadata: { name, namespace: 'shop' },
    spec: {
      stackRef: { namespace: 'auth', name: 'main' },
      secretName: name,
      ...(serviceAccountName !== undefined && { identity: { serviceAccountName } }),
    },
  };
}

function trust(namespace: string, value = 'trusted=true'): Promise<string> {
  return api.kubectl(['label', '--overwrite', 'namespace', namespace, value]);
}

async function textIn(namespace: string, secret: string, key: string): Promise<string> {
  const path = `jsonpath={.data.${key.replaceAll('.', '\\.')}}`;
  return Buffer.from(
    await api.kubectl(['-n', namespace, 'get', 'secret', secret, '-o', path, '--ignore-not-found']),
    'base64',
  ).toString();
}

async function recorded(): Promise<ClientsDocument> {
  return clientsDocument.parse(JSON.parse(await textIn('auth', 'main-clients', 'clients.json')));
}

async function entryOf(id: string): Promise<ClientsDocument['clients'][number] | undefined> {
  return (await recorded()).clients.find((client) => client.id === id);
}

async function accepted(consumer: string): Promise<string> {
  const path = 'jsonpath={range .status.conditions[?(@.type=="Accepted")]}{.status}/{.reason}: {.message}{end}';
  return api.kubectl(['-n', 'shop', 'get', 'authconsumer', consumer, '-o', path]);
}

async function becomesInSync(consumer: string): Promise<void> {
  await api.kubectl(['-n', 'shop', 'wait', 'authconsumer', consumer, '--for=condition=InSync', '--timeout=30s']);
}

test('a consumer gets an id and a secret of its own, of which the stack stores nothing but the hash', async () => {
  await applyTo(api, [authConsumer('orders'), authConsumer('mail')]);
  await becomesInSync('orders');
  await becomesInSync('mail');

  const secret = await textIn('shop', 'orders', 'client-secret');
  expect(await textIn('shop', 'orders', 'client-id')).toBe('shop/orders');
  expect(secret).toMatch(/^[\w-]{43}$/);
  expect(await textIn('shop', 'mail', 'client-secret')).not.toBe(secret);
  const { secrets = [] } = (await entryOf('shop/orders')) ?? {};
  expect(secrets).toHaveLength(2);
  expect(secrets[0]).toEqual({ sha256: secretHash(secret) });
  expect(await textIn('auth', 'main-clients', 'clients.json')).not.toContain(secret);
}, 60_000);

test('a consumer created again under its name has another secret', async () => {
  await applyTo(api, [authConsumer('again')]);
  await becomesInSync('again');
  const before = await textIn('shop', 'again', 'client-secret');
  await api.kubectl(['-n', 'shop', 'delete', 'authconsumer', 'again', '--timeout=30s']);
  await eventually(async () => expect(await entryOf('shop/again')).toBeUndefined());
  // There is no garbage collector here.
  await api.kubectl(['-n', 'shop', 'delete', 'secret', 'again', '--ignore-not-found']);

  await applyTo(api, [authConsumer('again')]);
  await becomesInSync('again');

  expect(await textIn('shop', 'again', 'client-secret')).not.toBe(before);
}, 90_000);

test('a consumer that shows the token of its ServiceAccount is named while that is missing, and known by its uid', async () => {
  await applyTo(api, [authConsumer('billing', 'billing')]);
  await eventually(async () => expect(await accepted('billing')).toContain('False/ServiceAccountNotFound'));
  await becomesInSync('billing');
  const [command] = /kubectl .*/.exec(await accepted('billing')) ?? [''];

  await api.kubectl(command.split(' ').slice(1));

  await eventually(async () => expect(await accepted('billing')).toContain('True/Accepted'));
  const uid = async (): Promise<string> =>
    api.kubectl(['-n', 'shop', 'get', 'serviceaccount', 'billing', '-o', 'jsonpath={.metadata.uid}']);
  const known = async (): Promise<unknown> => (await entryOf('shop/billing'))?.serviceAccount;
  const first = await uid();
  await eventually(async () => expect(await known()).toEqual({ namespace: 'shop', name: 'billing', uid: first }));
  const { cluster } = await recorded();
  expect(cluster?.issuer).toBe('https://kubernetes.default.svc');
  expect(cluster?.keys).toHaveLength(1);
  expect(await textIn('shop', 'billing', 'client-id')).toBe('shop/billing');
  expect(await textIn('shop', 'billing', 'client-secret')).toBe('');

  await api.kubectl(['-n', 'shop', 'delete', 'serviceaccount', 'billing']);
  await eventually(async () => expect(await known()).toBeUndefined(), { within: REFUSED_WITHIN });
  await api.kubectl(['-n', 'shop', 'create', 'serviceaccount', 'billing']);
  const second = await uid();
  expect(second).not.toBe(first);
  await eventually(async () => expect(await known()).toMatchObject({ uid: second }));
}, 120_000);

test('a document that was lost is made anew with a higher version, and lets in the same', async () => {
  const before = await recorded();
  await api.kubectl(['-n', 'auth', 'delete', 'secret', 'main-clients']);
  await eventually(async () => expect((await recorded()).version).toBeGreaterThan(before.version));
  await eventually(async () => {
    const secret = await textIn('shop', 'orders', 'client-secret');
    const { secrets = [] } = (await entryOf('shop/orders')) ?? {};
    expect(secrets.map(({ sha256 }) => sha256)).toContain(secretHash(secret));
  });
}, 60_000);

test.each<[string, () => Promise<unknown>, () => Promise<unknown>]>([
  ['the label of its namespace is gone', () => trust('shop', 'trusted-'), () => trust('shop')],
  [
    'the stack no longer selects it',
    () => applyTo(api, [authStack({ consumers: { allowedNamespaces: { from: 'Same' } } })]),
    () => applyTo(api, [authStack()]),
  ],
  [
    'the label goes while the stack is suspended',
    async () => {
      await applyTo(api, [authStack({ suspend: true })]);
      await trust('shop', 'trusted-');
    },
    async () => {
      await applyTo(api, [authStack({ suspend: false })]);
      await trust('shop');
    },
  ],
])(
  'nobody is let in without consent within seconds: %s',
  async (_why, withdraw, giveAgain) => {
    await eventually(async () => expect(await entryOf('shop/orders')).toBeDefined());

    await withdraw();

    await eventually(async () => expect((await recorded()).clients).toEqual([]), { within: REFUSED_WITHIN });
    await giveAgain();
    await eventually(async () => expect(await entryOf('shop/orders')).toBeDefined());
  },
  60_000,
);
