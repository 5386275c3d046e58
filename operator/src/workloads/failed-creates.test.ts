import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { applyTo } from '../../../test/support/installed-operator.ts';
import { createApiClient } from '../runtime/client.ts';
import type { ApiClient } from '../runtime/client.ts';
import { systemClock } from '../runtime/clock.ts';
import { eventKind, statefulSetKind } from '../runtime/core-kinds.ts';
import type { StatefulSet } from '../runtime/core-kinds.ts';
import { silent } from '../runtime/log.ts';
import { createManager } from '../runtime/manager.ts';
import type { Manager } from '../runtime/manager.ts';
import { createRuntimeMetrics } from '../runtime/metrics.ts';
import type { Millis } from '../runtime/objects.ts';
import { collectionPath } from '../runtime/paths.ts';
import { eventually } from '../runtime/testing/eventually.ts';
import { createFailedCreates } from './pods-not-created.ts';
import type { FailedCreates, PodsNotCreated } from './pods-not-created.ts';

/** How often the events of a StatefulSet that lacks pods are listed; its controller does not run here. */

const { signal } = new AbortController();
const stopping = new AbortController();
let api: ApiServer;
let client: ApiClient;
let manager: Manager;
let running: Promise<unknown>;
let failedCreates: FailedCreates;
let lists = 0;

beforeAll(async () => {
  api = await startApiServer();
  client = createApiClient({ userAgent: 'test', kubeconfig: api.kubeconfig });
  const eventsPath = collectionPath(eventKind, 'default');
  const counting: ApiClient = {
    ...client,
    send: (request) => {
      if (request.method === 'GET' && request.path === eventsPath) lists += 1;
      return client.send(request);
    },
  };
  manager = createManager({
    ...{ client: counting, clock: systemClock, log: silent, metrics: createRuntimeMetrics() },
    ...{ fieldManager: 'test', hashAnnotation: 'example.com/applied-hash', identity: 'test' },
  });
  manager.watch(statefulSetKind);
  running = manager.run(stopping.signal);
}, 120_000);

afterAll(async () => {
  stopping.abort();
  await running;
  await client.close();
  await api[Symbol.asyncDispose]();
});

let names = 0;
let name = '';
let set: StatefulSet;

beforeEach(async () => {
  failedCreates = createFailedCreates(manager);
  lists = 0;
  names += 1;
  name = `members-${names}`;
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'mongod', image: 'mongod' }] } };
  const spec = { replicas: 2, serviceName: name, selector: { matchLabels: labels }, template };
  await applyTo(api, [{ apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name, namespace: 'default' }, spec }]);
  set = await seen(() => true);
});

/** As the watch shows it, once it does. */
function seen(isExpected: (set: StatefulSet) => boolean): Promise<StatefulSet> {
  return eventually(() => {
    const found = manager.cluster.cached(statefulSetKind, { namespace: 'default', name });
    if (!found || !isExpected(found)) throw new Error(`the watch does not show ${name} so yet`);
    return found;
  });
}

const SECOND = 1_000;
const begun: Millis = Date.UTC(2030, 0, 1);

/** In a pass so many seconds after the pods began to be missing. */
function at(seconds: number, missing: readonly number[] = [0, 1]): Promise<PodsNotCreated | undefined> {
  const pods = missing.map((ordinal) => `${name}-${ordinal}`);
  return failedCreates({ statefulSet: set, missing: pods, since: begun }, { now: begun + seconds * SECOND, signal });
}

/** At which of these seconds a pass lists events. */
async function listedAt(seconds: readonly number[]): Promise<readonly number[]> {
  const listed: number[] = [];
  for (const second of seconds) {
    const before = lists;
    await at(second);
    if (lists > before) listed.push(second);
  }
  return listed;
}

const everySecond = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function refused(cause: string, second: number): Promise<void> {
  const { uid } = set.metadata;
  const regarding = { apiVersion: 'apps/v1', kind: 'StatefulSet', namespace: 'default', name, uid };
  const event = {
    ...{ apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: `${name}-${second}`, namespace: 'default' } },
    ...{ type: 'Warning', reason: 'FailedCreate', action: 'Create', regarding },
    ...{ reportingController: 'statefulset-controller', reportingInstance: 'test' },
    eventTime: new Date(begun + second * SECOND).toISOString().replace('Z', '000Z'),
    note: `create Pod ${name}-0 in StatefulSet ${name} failed error: ${cause}`,
  };
  await api.kubectl(['create', '-f', '-'], JSON.stringify(event));
}

test('while nothing is refused and nothing changes, events are listed with growing pauses of at most two minutes', async () => {
  expect(await listedAt(everySecond(0, 600))).toEqual([5, 10, 15, 25, 45, 85, 165, 285, 405, 525]);
});

test('a refusal that comes later is seen, and from then on its latest cause every five seconds', async () => {
  expect(await listedAt(everySecond(0, 30))).toEqual([5, 10, 15, 25]);
  await refused('exceeded quota', 31);
  expect(await at(44)).toBeUndefined();
  expect(await at(45)).toEqual({ cause: 'exceeded quota' });

  await refused('no LimitRange', 46);
  expect(await at(49)).toEqual({ cause: 'exceeded quota' });
  expect(await at(50)).toEqual({ cause: 'no LimitRange' });
  expect(await listedAt(everySecond(51, 61))).toEqual([55, 60]);
});

test('when the StatefulSet or its pods change, its events are listed at once, and soon again', async () => {
  expect(await listedAt(everySecond(0, 170))).toHaveLength(7);
  const status = JSON.stringify({ status: { replicas: 1, observedGeneration: set.metadata.generation } });
  await api.kubectl(['patch', 'statefulset', name, '--subresource=status', '--type=merge', '-p', status]);
  set = await seen((found) => found.status?.replicas === 1);
  expect(await listedAt(everySecond(171, 185))).toEqual([171, 176, 181]);

  lists = 0;
  await at(186, [1]);
  expect(lists).toBe(1);
  await at(187, [0]);
  expect(lists).toBe(2);
});

test('the operator poking the StatefulSet is no change: its events are listed again when they are due', async () => {
  await refused('exceeded quota', 4);
  expect(await at(5)).toEqual({ cause: 'exceeded quota' });
  await api.kubectl(['annotate', 'statefulset', name, 'retried=now']);
  set = await seen((found) => found.metadata.annotations?.['retried'] === 'now');
  expect(await listedAt(everySecond(5, 10))).toEqual([10]);
});

test('pods that go missing again begin with a fresh list of events', async () => {
  expect(await listedAt(everySecond(0, 170))).toHaveLength(7);
  expect(await at(171, [])).toBeUndefined();
  expect(await listedAt(everySecond(172, 183))).toEqual([172, 177, 182]);
});

test('a clock that is set back does not lengthen how long an answer is believed', async () => {
  expect(await listedAt([5, 600, 1_200])).toHaveLength(3);
  expect(await listedAt([10])).toEqual([10]);
});

test('what is remembered goes with the StatefulSet', async () => {
  expect(await listedAt([5, 6])).toEqual([5]);
  const { uid } = set.metadata;
  await api.kubectl(['delete', 'statefulset', name, '--timeout=30s']);
  await eventually(() => {
    expect(manager.cluster.cached(statefulSetKind, { namespace: 'default', name })?.metadata.uid).not.toBe(uid);
  });
  expect(await listedAt([7])).toEqual([7]);
});
