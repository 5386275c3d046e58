import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { WatchFault } from '../../../test/faults/fault.ts';
import { startFaultGateway } from '../../../test/faults/gateway.ts';
import type { FaultGateway } from '../../../test/faults/gateway.ts';
import { startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { createApiClient, isApiError } from './client.ts';
import type { ApiClient } from './client.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { silent } from './log.ts';
import type { KubernetesObject } from './objects.ts';
import { collectionPath, objectPath } from './paths.ts';
import { runReflector } from './reflector.ts';
import type { ReconnectReason } from './reflector.ts';
import { Store } from './store.ts';
import { eventually } from './testing/eventually.ts';
import { configMapKind } from './core-kinds.ts';

/** A second lasts 10 ms, so that pauses and silence of minutes fit into a test. */
const hurried: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic() * 100,
  after: (delay, callback) => systemClock.after(delay / 100, callback),
  random: () => systemClock.random(),
};

const NAMESPACE = 'default';
const { signal: always } = new AbortController();
let api: ApiServer;
let client: ApiClient;
let gateway: FaultGateway;

beforeAll(async () => {
  api = await startApiServer();
  client = createApiClient({ userAgent: 'writer', kubeconfig: api.kubeconfig });
  gateway = await startFaultGateway(api);
}, 120_000);

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await client.close();
  await api[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await client.send({ method: 'DELETE', path: collectionPath(configMapKind, NAMESPACE), signal: always });
});

interface Following extends AsyncDisposable {
  readonly store: Store;
  readonly reconnects: readonly ReconnectReason[];
  synced(): number;
}

function follow(): Following {
  const store = new Store();
  const reconnects: ReconnectReason[] = [];
  const stop = new AbortController();
  const through = createApiClient({ userAgent: 'follower', kubeconfig: gateway.kubeconfig });
  let syncs = 0;
  const options = {
    client: through,
    kind: configMapKind,
    namespace: NAMESPACE,
    labelSelector: 'example.com/followed',
    store,
    clock: hurried,
    log: silent,
    onReconnect: (reason: ReconnectReason) => void reconnects.push(reason),
  };
  const run = runReflector(options, stop.signal, () => {
    syncs += 1;
  });
  return {
    store,
    reconnects,
    synced: () => syncs,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await run;
      await through.close();
    },
  };
}

function configMap(name: string, text: string): KubernetesObject & { readonly data: Record<string, string> } {
  const metadata = { name, namespace: NAMESPACE, labels: { 'example.com/followed': 'yes' } };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { text } };
}

async function write(name: string, text: string): Promise<void> {
  const body = configMap(name, text);
  const query = { fieldManager: 'writer', force: 'true' };
  const contentType = 'application/apply-patch+yaml';
  const path = objectPath(configMapKind, body.metadata);
  await client.send({ method: 'PATCH', path, query, body, contentType, signal: always });
}

async function remove(name: string): Promise<void> {
  const path = objectPath(configMapKind, { namespace: NAMESPACE, name });
  await client.send({ method: 'DELETE', path, signal: always }).catch((error: unknown) => {
    if (!isApiError(error, 404)) throw error;
  });
}

/** The store knows what the API server has, to the version. */
async function becomesTrue({ store }: Following): Promise<void> {
  await eventually(async () => {
    const query = { labelSelector: 'example.com/followed' };
    const path = collectionPath(configMapKind, NAMESPACE);
    const { items } = await client.send<{ items: KubernetesObject[] }>({ method: 'GET', path, query, signal: always });
    const versions = (objects: readonly KubernetesObject[]): string[] =>
      objects.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion ?? ''}`).sort();
    expect(versions(store.list())).toEqual(versions(items));
  });
}

test('a store of several pages is complete, and what was deleted unseen before a list is gone from it', async () => {
  const names = Array.from({ length: 620 }, (_, index) => `many-${index}`);
  for (let from = 0; from < names.length; from += 50) {
    await Promise.all(names.slice(from, from + 50).map((name) => write(name, 'x')));
  }
  await using following = follow();
  await eventually(() => expect(gateway.watches).toBe(1));
  expect(following.store.size).toBe(620);

  gateway.next('answered 410');
  gateway.muteWatches();
  await remove('many-7');
  await becomesTrue(following);
  expect(following.store.size).toBe(619);
  expect(following.reconnects).toEqual(['silent', 'expired']);
}, 60_000);

test('a connection that died without a sign is noticed by its silence', async () => {
  await using following = follow();
  await eventually(() => expect(gateway.watches).toBe(1));
  gateway.muteWatches();
  await write('unheard', '1');
  await becomesTrue(following);
  expect(following.reconnects).toContain('silent');
}, 60_000);

test('a watch that only broke continues where it was, without a new list', async () => {
  await using following = follow();
  await write('a', '1');
  await eventually(() => expect(following.store.size).toBe(1));
  for (let turn = 2; turn < 6; turn++) {
    gateway.breakWatches();
    await write('a', String(turn));
    await becomesTrue(following);
  }
  expect(following.synced()).toBe(1);
}, 60_000);

test('an API server that fails watches without end is asked ever less often, and followed again afterwards', async () => {
  for (let count = 0; count < 12; count++) gateway.next(count % 2 ? 'answered 500' : 'sent 410');
  const begun = hurried.monotonic();
  await using following = follow();
  await write('late', '1');
  await eventually(() => expect(following.reconnects).toHaveLength(12));
  // Twelve pauses that double from 0.8 s to 30 s, each at least half as long as that.
  expect(hurried.monotonic() - begun).toBeGreaterThan(100_000);
  await becomesTrue(following);
}, 60_000);

type Step =
  | { readonly write: [string, string] }
  | { readonly remove: string }
  | { readonly fault: WatchFault }
  | { readonly all: 'broken' | 'muted' };
const name = fc.constantFrom('a', 'b', 'c');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ write: fc.tuple(name, fc.string({ maxLength: 3 })) }) },
  { weight: 2, arbitrary: fc.record({ remove: name }) },
  {
    weight: 2,
    arbitrary: fc.record({
      fault: fc.constantFrom<WatchFault>('answered 410', 'answered 500', 'sent 410', 'garbled', 'closed at once'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ all: fc.constantFrom('broken' as const, 'muted' as const) }) },
);

test('whatever happens to its watches, the store comes to know all that the API server has, and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
      await using following = follow();
      for (const each of steps) {
        if ('write' in each) await write(...each.write);
        else if ('remove' in each) await remove(each.remove);
        else if ('fault' in each) gateway.next(each.fault);
        else if (each.all === 'broken') gateway.breakWatches();
        else gateway.muteWatches();
      }
      await becomesTrue(following);
    }),
    { numRuns: 8 },
  );
}, 120_000);
