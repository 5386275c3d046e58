import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { applyTo, installOperator } from '../../../test/support/installed-operator.ts';
import type { InstalledOperator } from '../../../test/support/installed-operator.ts';
import type { Condition } from '../runtime/objects.ts';
import { eventually } from '../runtime/testing/eventually.ts';

const SYSTEM = 'authstack-system';

let folder: string;
let api: ApiServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stack-not-watched-'));
  api = await startApiServer();
  for (const namespace of [SYSTEM, 'auth', 'shop']) await api.kubectl(['create', 'namespace', namespace]);
}, 120_000);

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const stack = {
  apiVersion: 'authstack.dev/v1alpha1',
  kind: 'AuthStack',
  metadata: { name: 'main', namespace: 'auth' },
  spec: {
    publicURL: 'https://main.example.com',
    auth: { audience: ['shop'] },
    consumers: { allowedNamespaces: { from: 'All' } },
  },
};

const consumer = {
  apiVersion: 'authstack.dev/v1alpha1',
  kind: 'AuthConsumer',
  metadata: { name: 'orders', namespace: 'shop' },
  spec: { stackRef: { namespace: 'auth', name: 'main' }, secretName: 'copy' },
};

function operatorOf(...watchNamespaces: readonly string[]): Promise<InstalledOperator> {
  const release = { name: 'auth-stack', namespace: SYSTEM, values: { watchNamespaces } };
  return installOperator(api, { release, log: join(folder, 'operator.log') });
}

async function conditions(): Promise<readonly Condition[]> {
  const text = await api.kubectl([
    '-n',
    'shop',
    'get',
    'authconsumer',
    'orders',
    '-o',
    'jsonpath={.status.conditions}',
  ]);
  return JSON.parse(text === '' ? '[]' : text) as Condition[];
}

async function becomes(expected: Readonly<Record<string, string>>): Promise<void> {
  await eventually(
    async () => {
      const seen = (await conditions()).map(({ type, status, reason }) => [type, `${status}/${reason}`]);
      expect(Object.fromEntries(seen)).toEqual(expected);
    },
    { within: 60_000, every: 200 },
  );
}

const uidOfCopy = (): Promise<string> =>
  api.kubectl(['-n', 'shop', 'get', 'secret', 'copy', '-o', 'jsonpath={.metadata.uid}']);

test('a stack outside of watchNamespaces is unknown and not missing, the copy stays, and the list that the message asks for heals it', async () => {
  {
    await using operator = await operatorOf('auth', 'shop');
    await applyTo(api, [stack, consumer]);
    await becomes({ Accepted: 'True/Accepted', InSync: 'True/InSync' });
    // Which gives its lease back, so that the next one need not wait for its end.
    await operator.stop();
  }
  const copy = await uidOfCopy();

  {
    await using operator = await operatorOf('shop');
    await becomes({ Accepted: 'Unknown/StackNotWatched', InSync: 'Unknown/StackNotWatched' });
    for (const { message } of await conditions()) {
      expect(message).toContain('does not watch Namespace auth, so it does not know AuthStack auth/main');
      expect(message).toContain('Add the namespace to watchNamespaces of the chart');
    }
    expect(await uidOfCopy()).toBe(copy);
    await operator.stop();
  }

  await using _operator = await operatorOf('auth', 'shop');
  await becomes({ Accepted: 'True/Accepted', InSync: 'True/InSync' });
  expect(await uidOfCopy()).toBe(copy);
}, 240_000);
