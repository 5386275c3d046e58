import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { createApiClient } from '../../operator/src/runtime/client.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
import { startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import type { Fault } from './fault.ts';
import { startFaultGateway } from './gateway.ts';
import type { FaultGateway } from './gateway.ts';
import { faultProfiles, faultPlanOf } from './fault-profiles.ts';
import type { FaultProfileName } from './fault-profiles.ts';

const path = '/api/v1/namespaces/default/configmaps';
let api: ApiServer;
let direct: ApiClient;
let gateway: FaultGateway;
let client: ApiClient;
let ending: AbortController;

beforeAll(async () => {
  api = await startApiServer();
  direct = createApiClient({ userAgent: 'direct', kubeconfig: api.kubeconfig });
}, 120_000);

afterAll(async () => {
  await direct.close();
  await api[Symbol.asyncDispose]();
});

beforeEach(async () => {
  ending = new AbortController();
  await direct.send({ method: 'DELETE', path, signal: ending.signal });
  gateway = await startFaultGateway(api);
  client = createApiClient({ userAgent: 'client', kubeconfig: gateway.kubeconfig });
});

afterEach(async () => {
  ending.abort();
  await gateway[Symbol.asyncDispose]();
  await client.close();
});

interface Listed {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

function list(through: ApiClient = client): Promise<Listed> {
  return through.send({ method: 'GET', path, signal: ending.signal });
}

function create(name: string, through: ApiClient = direct): Promise<unknown> {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } };
  return through.send({ method: 'POST', path, body, signal: ending.signal });
}

function replace(name: string): Promise<unknown> {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } };
  return client.send({ method: 'PUT', path: `${path}/${name}`, body, signal: ending.signal });
}

async function names(): Promise<readonly string[]> {
  return (await list(direct)).items.map(({ metadata }) => metadata.name).filter((name) => !name.startsWith('kube-'));
}

interface Heard {
  readonly events: string[];
  /** How the watch ended; undefined while it is open. */
  end: string | undefined;
}

/** Watches through the gateway from now on. */
async function watch(): Promise<Heard> {
  const { resourceVersion } = (await list(direct)).metadata;
  const query = { watch: 'true', resourceVersion };
  const lines = await client.stream({ path, query, signal: ending.signal });
  const heard: Heard = { events: [], end: undefined };
  const listen = async (): Promise<void> => {
    for await (const line of lines) {
      const { type, object } = JSON.parse(line) as {
        type: string;
        object: { code?: number; metadata?: { name: string } };
      };
      heard.events.push(type === 'ERROR' ? `sent ${object.code ?? 0}` : `${type} ${object.metadata?.name ?? ''}`);
    }
  };
  void listen().then(
    () => (heard.end = 'closed'),
    (error: unknown) => (heard.end = error instanceof SyntaxError ? 'garbled' : 'broken'),
  );
  return heard;
}

test('without a fault everything passes, both ways', async () => {
  const heard = await watch();
  await create('a', client);
  await replace('a');
  await eventually(() => expect(heard.events).toEqual(['ADDED a', 'MODIFIED a']));
  expect(gateway.writes).toEqual([
    { label: 'POST configmaps a', earlier: 0 },
    { label: 'PUT configmaps a', earlier: 0 },
  ]);
  expect(gateway.met).toEqual([]);
});

test.each<[Fault, number, string]>([
  ['answered 409', 409, 'Conflict'],
  ['answered 500', 500, 'InternalError'],
  ['answered 503', 503, 'ServiceUnavailable'],
])('a write is %s once, and does not reach the API server', async (fault, status, reason) => {
  await create('a');
  gateway.next(fault);
  await expect(replace('a')).rejects.toMatchObject({ status, reason });
  expect(gateway.writes).toEqual([]);
  await replace('a');
  expect(gateway.met).toEqual([`${fault}: PUT configmaps a`]);
});

test('a write is answered 429 once, and the client retries it', async () => {
  await create('a');
  gateway.next('answered 429');
  await replace('a');
  expect(gateway.met).toEqual(['answered 429: PUT configmaps a']);
  expect(gateway.writes).toEqual([{ label: 'PUT configmaps a', earlier: 0 }]);
});

test('a write whose answer is lost is carried out', async () => {
  gateway.next('answer lost');
  await expect(create('a', client)).rejects.toThrow();
  expect(await names()).toEqual(['a']);
  expect(gateway.writes).toHaveLength(1);
});

test('a stale list is the first that was answered', async () => {
  const before = await list();
  await create('a');
  gateway.next('stale');
  expect((await list()).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
  expect((await list()).metadata.resourceVersion).not.toBe(before.metadata.resourceVersion);
});

test('a slow list is right and late', async () => {
  await create('a');
  gateway.next('slow');
  const begun = performance.now();
  expect((await list()).items.map(({ metadata }) => metadata.name)).toContain('a');
  expect(performance.now() - begun).toBeGreaterThan(1_400);
});

test.each<[Fault, string[], string]>([
  ['sent 410', ['sent 410'], 'closed'],
  ['garbled', [], 'garbled'],
  ['closed at once', [], 'closed'],
])('a watch is %s as it opens', async (fault, events, end) => {
  gateway.next(fault);
  const heard = await watch();
  await eventually(() => expect(heard).toEqual({ events, end }));
});

test('a watch is answered 410 as it opens', async () => {
  gateway.next('answered 410');
  await expect(watch()).rejects.toMatchObject({ status: 410, reason: 'Expired' });
});

test('a watch breaks after an event', async () => {
  gateway.next('breaks');
  const heard = await watch();
  await create('a');
  await eventually(() => expect(heard).toEqual({ events: ['ADDED a'], end: 'broken' }));
});

test('a watch that fell silent stays open and delivers nothing more', async () => {
  gateway.next('falls silent');
  const [deaf, heard] = [await watch(), await watch()];
  await create('a');
  await create('b');
  await eventually(() => expect(heard.events).toEqual(['ADDED a', 'ADDED b']));
  expect(deaf).toEqual({ events: ['ADDED a'], end: undefined });
  expect(gateway.watches).toBe(1);
});

test('a swallowed event never arrives, and the watch ends later with 410', async () => {
  gateway.next('swallows an event');
  const heard = await watch();
  await create('a');
  await create('b');
  await eventually(() => expect(heard).toEqual({ events: ['ADDED b', 'sent 410'], end: 'closed' }));
});

test('after the fatal write nothing gets through until the next client is let in', async () => {
  const heard = await watch();
  const died = gateway.killAfter(({ label }) => label === 'POST configmaps b');
  await create('a', client);
  await expect(create('b', client)).rejects.toThrow();
  expect(await died).toEqual({ label: 'POST configmaps b', earlier: 0 });
  await eventually(() => expect(heard.end).toBe('broken'));
  await expect(create('c', client)).rejects.toThrow();
  expect(await names()).toEqual(['a', 'b']);

  gateway.revive();
  await create('d', client);
  expect(await names()).toEqual(['a', 'b', 'd']);
});

test('the fatal write may be one of several with the same label', async () => {
  await create('a');
  const died = gateway.killAfter(({ earlier }) => earlier === 1);
  await replace('a');
  await expect(replace('a')).rejects.toThrow();
  expect(await died).toEqual({ label: 'PUT configmaps a', earlier: 1 });
});

const kinds = Object.keys(faultProfiles) as FaultProfileName[];

test.each(kinds)('%s: the same seed brings the same faults, whatever comes in between', (name) => {
  const requests = ['watch', 'list', 'read', 'write'].map((act) => ({
    act: act as 'watch',
    method: act === 'write' ? 'PUT' : 'GET',
    label: act,
    resource: 'secrets',
  }));
  const outcomes = (seed: number, order: typeof requests): string[] => {
    const plan = faultPlanOf(name, seed);
    const rounds = Array.from({ length: 60 }, (_, earlier) =>
      order.map((seen) => `${seen.label} ${earlier} ${plan(seen, earlier) ?? 'nothing'}`),
    );
    return rounds.flat().sort();
  };
  expect(outcomes(1, requests)).toEqual(outcomes(1, requests.toReversed()));
  expect(outcomes(1, requests)).not.toEqual(outcomes(2, requests));
  expect(outcomes(1, requests).some((outcome) => outcome.endsWith('nothing'))).toBe(true);
  // It passes.
  expect(outcomes(1, requests).filter((outcome) => / [1-5]\d (?!nothing)/.test(outcome))).toEqual([]);
});
