import { expect, test } from '@jest/globals';
import { authStackKind } from '../api/auth-stack.ts';
import { FIELD_MANAGER, OUT_OF_SERVICE, SERVING_LABEL, labelsOf } from '../api/names.ts';
import { createAuthPodProber } from '../auth-pods/prober.ts';
import type { AuthPodProber } from '../auth-pods/prober.ts';
import { ListeningPod } from '../auth-pods/testing/listening-pod.ts';
import type { ApiClient, ApiRequest } from '../runtime/client.ts';
import { podKind } from '../runtime/core-kinds.ts';
import { FakeClock } from '../runtime/fake-clock.ts';
import { silent } from '../runtime/log.ts';
import { createManager } from '../runtime/manager.ts';
import { createRuntimeMetrics } from '../runtime/metrics.ts';
import type { KubernetesObject } from '../runtime/objects.ts';
import { keyOf } from '../runtime/objects.ts';
import { eventually } from '../runtime/testing/eventually.ts';
import { WakeUps } from '../runtime/wake-ups.ts';
import { createServingReconciler } from './reconcile.ts';

const STACK = { namespace: 'auth', name: 'shop' };

/** An API server with a stack and its pods, whose lease belongs to another process until that lets go of it. */
class World implements AsyncDisposable {
  readonly clock: FakeClock = new FakeClock();
  /** What was asked for besides the lease, lists and watches. */
  readonly requests: ApiRequest[] = [];
  private readonly pods: readonly ListeningPod[];
  private holder = 'another';
  private readonly prober: AuthPodProber;
  private readonly stopping: AbortController = new AbortController();
  private readonly ended: Promise<unknown>;

  constructor(pods: readonly ListeningPod[]) {
    this.pods = pods;
    const { clock } = this;
    const client = this.client();
    const manager = createManager({
      ...{ client, clock, log: silent, metrics: createRuntimeMetrics(), fieldManager: FIELD_MANAGER },
      ...{ hashAnnotation: 'example.com/hash', identity: 'p' },
      leaderElection: { namespace: 'default', name: 'x' },
    });
    manager.watch(authStackKind);
    manager.watch(podKind);
    const wakeUps = new WakeUps();
    const authPodProber = createAuthPodProber({
      clock,
      followPods: (listener) => {
        manager.follow(podKind, listener);
      },
      onChange: (stack) => {
        wakeUps.wake(keyOf(stack));
      },
    });
    this.prober = authPodProber;
    manager.whileRunning((signal) => authPodProber.run(signal));
    manager.control({
      ...{
        name: 'serving',
        kind: authStackKind,
        wakeUps,
        finalizer: 'f',
        conditionTypes: ['Ready'],
        writesStatus: false,
      },
      reconciler: createServingReconciler({ cluster: manager.cluster, authPodProber }),
    });
    this.ended = manager.run(this.stopping.signal);
  }

  /** Seconds at whose end the questions that were asked in them have been answered, by those that answer. */
  async pass(seconds: number, answering: readonly ListeningPod[]): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      const begun = this.clock.now();
      for (let tenth = 0; tenth < 11; tenth += 1) await this.clock.advance(100);
      // Real sockets have no virtual time.
      await eventually(() => {
        for (const { ip } of answering) {
          const { ago = Infinity } = this.prober.reachabilityOf(refOf(ip)) as { readonly ago?: number };
          expect(ago).toBeLessThan(this.clock.now() - begun);
        }
      });
    }
    await this.clock.advance(0);
  }

  letGoOfTheLease(): void {
    this.holder = '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort();
    await this.clock.advance(1_000);
    await this.ended;
  }

  private client(): ApiClient {
    return {
      send: async <T>(request: ApiRequest) => {
        await Promise.resolve();
        return this.answer(request) as T;
      },
      // A watch on which nothing happens.
      stream: ({ signal }) =>
        Promise.resolve(
          (async function* () {
            await new Promise((resolve) => {
              signal.addEventListener('abort', resolve, { once: true });
            });
            yield* [];
          })(),
        ),
      close: () => Promise.resolve(),
    };
  }

  private answer(request: ApiRequest): unknown {
    const { path, method, body } = request;
    if (path.includes('/leases')) {
      if (method !== 'GET') this.holder = (body as { spec: { holderIdentity: string } }).spec.holderIdentity;
      return { metadata: { resourceVersion: '1' }, spec: { holderIdentity: this.holder, leaseDurationSeconds: 3600 } };
    }
    if (path.endsWith('/authstacks')) return listOf([aStack]);
    if (path.endsWith('/pods')) return listOf(this.pods.map(podAt));
    this.requests.push(request);
    return this.pods.map(podAt).find(({ metadata }) => path.endsWith(`/${metadata.name}`));
  }
}

const aStack = {
  apiVersion: 'authstack.dev/v1alpha1',
  kind: 'AuthStack',
  metadata: { ...STACK, uid: 's', resourceVersion: '1', generation: 1 },
  spec: { publicURL: 'https://shop.example.com', auth: { audience: ['shop'] } },
};

function refOf(ip: string): { readonly namespace: string; readonly name: string } {
  return { namespace: 'auth', name: `shop-auth-${ip.split('.').at(-1) ?? ''}` };
}

function podAt({ ip }: ListeningPod): KubernetesObject {
  const labels = { ...labelsOf({ metadata: STACK }, 'auth'), [SERVING_LABEL]: 'true' };
  const { namespace, name } = refOf(ip);
  const conditions = [{ type: 'Ready', status: 'True' }];
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', spec: {}, status: { podIP: ip, conditions } },
    metadata: { namespace, name, uid: name, resourceVersion: '1', labels },
  };
}

function listOf(items: readonly KubernetesObject[]): object {
  return { metadata: { resourceVersion: '1' }, items };
}

test('to take a pod out of its Service one request is sent, and nobody else is asked', async () => {
  await using dead = await ListeningPod.at('127.73.0.1');
  await using alive = await ListeningPod.at('127.73.0.2');
  await using world = new World([dead, alive]);
  world.letGoOfTheLease();
  await world.pass(6, [dead, alive]);
  expect(world.requests).toEqual([]);

  dead.freeze();
  await world.pass(5, [alive]);
  const patch = { metadata: { labels: { [SERVING_LABEL]: OUT_OF_SERVICE } } };
  expect(world.requests[0]).toMatchObject({
    method: 'PATCH',
    path: '/api/v1/namespaces/auth/pods/shop-auth-1',
    body: patch,
  });
  expect(world.requests.every(({ path }) => path.endsWith('/shop-auth-1') || path.includes('/events'))).toBe(true);
});

test('a successor knows already who does not answer, and takes it out in the moment in which it leads', async () => {
  await using dead = await ListeningPod.at('127.73.0.1');
  await using alive = await ListeningPod.at('127.73.0.2');
  await using world = new World([dead, alive]);
  await world.pass(6, [dead, alive]);
  dead.freeze();
  await world.pass(10, [alive]);
  // Another process leads.
  expect(world.requests).toEqual([]);

  world.letGoOfTheLease();
  await world.pass(2, [alive]);
  expect(world.requests[0]).toMatchObject({ method: 'PATCH', path: '/api/v1/namespaces/auth/pods/shop-auth-1' });
});
