import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApiServer } from '../../test/support/api-server.ts';
import type { ApiServer } from '../../test/support/api-server.ts';
import { authStackKind } from './api/auth-stack.ts';
import type { AuthStack } from './api/auth-stack.ts';
import type { Settings } from './environment.ts';
import { createOperator } from './operator.ts';
import { createApiClient, isApiError } from './runtime/client.ts';
import type { ApiClient } from './runtime/client.ts';
import { systemClock } from './runtime/clock.ts';
import type { Clock } from './runtime/clock.ts';
import { secretKind } from './runtime/core-kinds.ts';
import type { Secret } from './runtime/core-kinds.ts';
import { silent } from './runtime/log.ts';
import { createRuntimeMetrics } from './runtime/metrics.ts';
import type { Kind, KubernetesObject } from './runtime/objects.ts';
import { objectPath } from './runtime/paths.ts';
import { ServerClock } from './runtime/server-clock.ts';
import { eventually } from './runtime/testing/eventually.ts';

/** The operator on a machine whose clock is set, against a real API server whose clock is right. */

const HOUR = 3_600_000;
const settings: Settings = {
  namespaces: [],
  images: {
    auth: 'example.com/auth:test',
    agent: 'example.com/mongodb-agent:test',
    mongodb: { '6.0': 'example.com/mongodb:6.0' },
    defaultVersion: '6.0',
    pullPolicy: 'IfNotPresent',
  },
  identity: 'operator-1',
  probePort: 0,
  logLevel: 'info',
};

const stopping = new AbortController();
const { signal } = new AbortController();
let ahead = -HOUR;
const clock: Clock = {
  ...systemClock,
  now: () => systemClock.now() + ahead,
  // What an operator that has stopped still waits for must not keep the test.
  after: (delay, callback) => {
    const timer = setTimeout(callback, delay).unref();
    return () => {
      clearTimeout(timer);
    };
  },
};
const serverClock = new ServerClock(clock);
let api: ApiServer;
let client: ApiClient;
let ended: Promise<unknown>;

beforeAll(async () => {
  api = await startApiServer({ crds: true });
  await api.kubectl(['create', 'namespace', 'auth']);
  client = createApiClient({
    userAgent: 'test',
    kubeconfig: api.kubeconfig,
    clock,
    onAnswer: (answer) => {
      serverClock.hear(answer);
    },
  });
  const metrics = createRuntimeMetrics();
  ended = createOperator(settings, { client, clock, serverClock, log: silent, metrics }).run(stopping.signal);
}, 120_000);

afterAll(async () => {
  stopping.abort();
  await ended;
  await client.close();
  await api[Symbol.asyncDispose]();
});

async function find<T extends KubernetesObject>(kind: Kind<T>, name: string): Promise<T | undefined> {
  try {
    return await client.send<T>({ method: 'GET', path: objectPath(kind, { namespace: 'auth', name }), signal });
  } catch (error) {
    if (isApiError(error, 404)) return undefined;
    throw error;
  }
}

test('no key is made while the clock is an hour behind, and the first ones are as soon as it is right', async () => {
  const body = {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name: 'shop', namespace: 'auth' },
    spec: { publicURL: 'https://shop.example.com', auth: { audience: ['shop'] } },
  };
  await client.send({ method: 'POST', path: '/apis/authstack.dev/v1alpha1/namespaces/auth/authstacks', body, signal });
  const ready = async (): Promise<object | undefined> => {
    const stack = await find<AuthStack>(authStackKind, 'shop');
    return stack?.status?.conditions?.find(({ type }) => type === 'KeysReady');
  };
  await eventually(
    async () => {
      expect(await ready()).toMatchObject({ status: 'False', reason: 'ClockSkew' });
    },
    { within: 30_000 },
  );
  const { message } = (await ready()) as { message: string };
  expect(message).toMatch(/They differ by (3599|3600)(\.\d)? s, and more than 30 s/);
  expect(message).toContain('Pending: Creating the first signing keys');
  expect(await find<Secret>(secretKind, 'shop-signing-keys')).toBeUndefined();

  ahead = 0;
  await eventually(
    async () => {
      expect(await ready()).toMatchObject({ status: 'True', reason: 'UpToDate' });
    },
    { within: 60_000 },
  );
  expect(await find<Secret>(secretKind, 'shop-signing-keys')).toBeDefined();
}, 120_000);
