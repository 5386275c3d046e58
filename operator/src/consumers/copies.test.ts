import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { auditedRequests, startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { startControllers } from '../../../test/support/controllers.ts';
import { applyTo, installOperator } from '../../../test/support/installed-operator.ts';
import type { InstalledOperator } from '../../../test/support/installed-operator.ts';
import type { AuthConsumer } from '../api/auth-consumer.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Condition } from '../runtime/objects.ts';
import { eventually } from '../runtime/testing/eventually.ts';

/** What becomes of the Secret of an AuthConsumer when people, policies and finalizers get in its way. */

const SYSTEM = 'authstack-system';

let folder: string;
let api: ApiServer;
let operator: InstalledOperator;
let garbageCollector: AsyncDisposable;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'copies-'));
  api = await startApiServer({ auditLog: join(folder, 'audit.log') });
  for (const namespace of [SYSTEM, 'auth', 'shop']) await api.kubectl(['create', 'namespace', namespace]);
  const release = { name: 'auth-stack', namespace: SYSTEM };
  operator = await installOperator(api, { release, log: join(folder, 'operator.log') });
  garbageCollector = await startControllers(api, ['garbage-collector-controller']);
  await applyTo(api, [authStack('main')]);
  await eventually(async () => expect(await secretOf('auth', 'main-jwks')).toBeDefined());
}, 180_000);

afterAll(async () => {
  await garbageCollector[Symbol.asyncDispose]();
  await operator[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function authStack(name: string, algorithm = 'ES256'): object {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name, namespace: 'auth' },
    spec: {
      publicURL: `https://${name}.example.com`,
      auth: { audience: ['shop'] },
      consumers: { allowedNamespaces: { from: 'All' } },
      signingKeys: { algorithm },
    },
  };
}

function authConsumer(name: string, secretName = name, stack = 'main'): object {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthConsumer',
    metadata: { name, namespace: 'shop' },
    spec: { stackRef: { namespace: 'auth', name: stack }, secretName },
  };
}

async function secretOf(namespace: string, name: string): Promise<Secret | undefined> {
  const text = await api.kubectl(['-n', namespace, 'get', 'secret', name, '--ignore-not-found', '-o', 'json']);
  return text === '' ? undefined : (JSON.parse(text) as Secret);
}

async function conditionOf(consumer: string, type: 'Accepted' | 'InSync'): Promise<string> {
  const text = await api.kubectl([
    '-n',
    'shop',
    'get',
    'authconsumer',
    consumer,
    '-o',
    'jsonpath={.status.conditions}',
  ]);
  const found = (JSON.parse(text === '' ? '[]' : text) as Condition[]).find((condition) => condition.type === type);
  return found ? `${found.status}/${found.reason}: ${found.message}` : '';
}

function becomes(consumer: string, type: 'Accepted' | 'InSync', text: string): Promise<void> {
  return eventually(async () => expect(await conditionOf(consumer, type)).toContain(text), { every: 200 });
}

const text = (secret: Secret | undefined, key: string): string => atob(secret?.data?.[key] ?? '');

test('a Secret in the way is named, and once it is removed as the message says the copy is written', async () => {
  await api.kubectl(['-n', 'shop', 'create', 'secret', 'generic', 'taken', '--from-literal=theirs=x']);
  await applyTo(api, [authConsumer('taken')]);
  await becomes('taken', 'Accepted', 'False/SecretNotOwned');

  const [command] = /kubectl .*/.exec(await conditionOf('taken', 'Accepted')) ?? [''];
  await api.kubectl(command.split(' ').slice(1));

  await becomes('taken', 'InSync', 'True/InSync');
}, 60_000);

test('a copy that a policy made immutable is created again when the keys change', async () => {
  await applyTo(api, [authStack('fixed'), authConsumer('fixed', 'fixed', 'fixed')]);
  await becomes('fixed', 'InSync', 'True/InSync');
  await api.kubectl(['-n', 'shop', 'patch', 'secret', 'fixed', '--type=merge', '-p', '{"immutable":true}']);

  await applyTo(api, [authStack('fixed', 'ML-DSA-44')]);

  await eventually(async () => expect(text(await secretOf('shop', 'fixed'), 'jwks.json')).toContain('ML-DSA-44'));
  expect(text(await secretOf('shop', 'fixed'), 'jwks.json')).not.toMatch(/"(d|priv)"/);
  await becomes('fixed', 'InSync', 'True/InSync');
}, 90_000);

test('what admission refuses is told in its own words, and written once it no longer does', async () => {
  await applyTo(api, denyingSecret('denied'));
  await eventually(async () => {
    const tried = api.kubectl(['-n', 'shop', 'create', 'secret', 'generic', 'denied', '--dry-run=server']);
    await expect(tried).rejects.toThrow('no Secret of that name here');
  });
  await applyTo(api, [authConsumer('denied')]);
  await becomes('denied', 'InSync', 'False/WriteRefused');
  expect(await conditionOf('denied', 'InSync')).toContain('no Secret of that name here');

  await api.kubectl(['delete', 'validatingadmissionpolicybinding', 'denied']);

  await eventually(async () => expect(await conditionOf('denied', 'InSync')).toContain('True/InSync'), {
    within: 40_000,
    every: 200,
  });
}, 90_000);

test('an AuthConsumer that a finalizer holds is Terminating, without a copy, not counted, and its name is free', async () => {
  await applyTo(api, [authStack('held'), authConsumer('leaving', 'shared', 'held')]);
  await becomes('leaving', 'InSync', 'True/InSync');
  await applyTo(api, [authConsumer('coming', 'shared', 'held')]);
  await becomes('coming', 'Accepted', 'False/SecretInUse');
  const hold = '{"metadata":{"finalizers":["example.com/hold"]}}';
  await api.kubectl(['-n', 'shop', 'patch', 'authconsumer', 'leaving', '--type=merge', '-p', hold]);

  await api.kubectl(['-n', 'shop', 'delete', 'authconsumer', 'leaving', '--wait=false']);

  await becomes('leaving', 'Accepted', 'False/Terminating');
  expect(await conditionOf('leaving', 'Accepted')).toContain('held by example.com/hold');
  // Brought by the watch of the Secret, not by a poll: the recheck is 15 s away.
  await eventually(async () => expect(await conditionOf('coming', 'InSync')).toContain('True/InSync'), {
    within: 10_000,
  });
  expect((await secretOf('shop', 'shared'))?.metadata.labels).toMatchObject({ 'authstack.dev/consumer': 'coming' });
  await eventually(async () => {
    const counts = 'jsonpath={.status.consumers}';
    expect(await api.kubectl(['-n', 'auth', 'get', 'authstack', 'held', '-o', counts])).toBe('{"inSync":1,"total":1}');
  });
  await api.kubectl([
    '-n',
    'shop',
    'patch',
    'authconsumer',
    'leaving',
    '--type=merge',
    '-p',
    '{"metadata":{"finalizers":null}}',
  ]);
}, 90_000);

test('the copy of an AuthConsumer that was deleted with --cascade=orphan stays, and is adopted', async () => {
  await applyTo(api, [authConsumer('again')]);
  await becomes('again', 'InSync', 'True/InSync');
  await api.kubectl(['-n', 'shop', 'delete', 'authconsumer', 'again', '--cascade=orphan', '--timeout=30s']);
  const orphan = await secretOf('shop', 'again');
  expect(orphan?.metadata.ownerReferences ?? []).toEqual([]);

  await applyTo(api, [authConsumer('again')]);

  await becomes('again', 'InSync', 'True/InSync');
  const adopted = await secretOf('shop', 'again');
  expect(adopted?.metadata).toMatchObject({ uid: orphan?.metadata.uid, ownerReferences: [{ name: 'again' }] });
}, 90_000);

test('a rotation writes the status of a stack as often for thirty consumers as for three, and theirs once per copy', async () => {
  const writes = async (count: number): Promise<Writes> => {
    const stack = `count-${count}`;
    const consumers = Array.from({ length: count }, (_, n) => `${stack}-${n}`);
    await applyTo(api, [authStack(stack), ...consumers.map((name) => authConsumer(name, name, stack))]);
    const counted = async (): Promise<void> => {
      const path = 'jsonpath={.status.consumers}{.status.conditions[?(@.type=="KeysReady")].message}';
      expect(await api.kubectl(['-n', 'auth', 'get', 'authstack', stack, '-o', path])).toMatch(
        new RegExp(`{"inSync":${count},"total":${count}}(One key signs|.* is due and continues to sign)`),
      );
    };
    await eventually(counted, { every: 500 });
    const written = async (): Promise<Writes> => {
      const requests = await auditedRequests(join(folder, 'audit.log'));
      const count = (verbs: readonly string[], path: RegExp): number =>
        requests.filter(({ verb, requestURI }) => verbs.includes(verb) && path.test(requestURI)).length;
      return {
        ofStack: count(['patch'], new RegExp(`/authstacks/${stack}/status`)),
        ofConsumers: count(['patch'], new RegExp(`/authconsumers/${stack}-\\d+/status`)),
        ofCopies: count(['update'], new RegExp(`/secrets/${stack}-\\d+\\b`)),
      };
    };
    const before = await written();
    await applyTo(api, [authStack(stack, 'RS256')]);
    await eventually(
      async () => {
        const secrets = await api.kubectl([
          '-n',
          'shop',
          'get',
          'secrets',
          '-l',
          `authstack.dev/stack=${stack}`,
          '-o',
          'json',
        ]);
        const { items } = JSON.parse(secrets) as { readonly items: readonly Secret[] };
        expect(items.filter((secret) => text(secret, 'jwks.json').includes('RS256'))).toHaveLength(count);
        await counted();
      },
      { every: 500 },
    );
    const after = await written();
    return {
      ofStack: after.ofStack - before.ofStack,
      ofConsumers: after.ofConsumers - before.ofConsumers,
      ofCopies: after.ofCopies - before.ofCopies,
    };
  };

  const [few, many] = [await writes(3), await writes(30)];

  // A pass may see two steps of the keys at once, or one after the other.
  expect(Math.abs(many.ofStack - few.ofStack)).toBeLessThanOrEqual(2);
  expect(many.ofCopies).toBeGreaterThanOrEqual(30);
  expect(many.ofConsumers).toBeLessThanOrEqual(many.ofCopies);
}, 180_000);

test('a revoked key leaves the copies before the first AuthConsumer is told so', async () => {
  const names = Array.from({ length: 40 }, (_, n) => `first-${n}`);
  await applyTo(api, [authStack('first'), ...names.map((name) => authConsumer(name, name, 'first'))]);
  const read = (path: string): Promise<string> =>
    api.kubectl(['-n', 'auth', 'get', 'authstack', 'first', '-o', `jsonpath={${path}}`]);
  const shown = async (): Promise<readonly (readonly string[])[]> => {
    const { items } = JSON.parse(await api.kubectl(['-n', 'shop', 'get', 'authconsumers', '-o', 'json'])) as {
      readonly items: readonly AuthConsumer[];
    };
    return items.filter(({ metadata }) => names.includes(metadata.name)).map(({ status }) => status?.kids ?? []);
  };
  await eventually(async () => expect(await read('.status.signingKeys.activeKid')).not.toBe(''), { every: 500 });
  const kid = await read('.status.signingKeys.activeKid');
  const all = names.map(() => true);
  await eventually(async () => expect((await shown()).map((kids) => kids.includes(kid))).toEqual(all), { every: 500 });
  const before = (await auditedRequests(join(folder, 'audit.log'))).length;

  await api.kubectl(['-n', 'auth', 'annotate', 'authstack', 'first', `authstack.dev/revoke-key=${kid}`]);

  await eventually(async () => expect((await shown()).map((kids) => !kids.includes(kid))).toEqual(all), { every: 500 });
  const requests = (await auditedRequests(join(folder, 'audit.log'))).slice(before);
  const timesOf = (verb: string, path: RegExp): readonly string[] =>
    requests
      .filter((request) => request.verb === verb && path.test(request.requestURI))
      .map(({ requestReceivedTimestamp }) => requestReceivedTimestamp)
      .sort();
  const copies = timesOf('update', /\/secrets\/first-\d+\b/);
  const [firstStatus = ''] = timesOf('patch', /\/authconsumers\/first-\d+\/status/);
  // Those that are written at the same time may still be under way.
  expect(copies.filter((at) => at < firstStatus).length).toBeGreaterThan(names.length - 16);
}, 180_000);

interface Writes {
  readonly ofStack: number;
  readonly ofConsumers: number;
  readonly ofCopies: number;
}

function denyingSecret(name: string): readonly object[] {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  return [
    {
      ...{ apiVersion, kind: 'ValidatingAdmissionPolicy', metadata: { name } },
      spec: {
        matchConstraints: {
          resourceRules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['secrets'] },
          ],
        },
        validations: [{ expression: `object.metadata.name != "${name}"`, message: 'no Secret of that name here' }],
      },
    },
    {
      ...{ apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata: { name } },
      spec: { policyName: name, validationActions: ['Deny'] },
    },
  ];
}
