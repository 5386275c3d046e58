import dns from 'node:dns';
import { expect, jest, test } from '@jest/globals';
import type { Pod } from '../runtime/core-kinds.ts';
import { FakeClock } from '../runtime/fake-clock.ts';
import type { ObjectRef } from '../runtime/objects.ts';
import { Store } from '../runtime/store.ts';
import { eventually } from '../runtime/testing/eventually.ts';
import { OUT_OF_SERVICE, SERVING_LABEL, labelsOf } from '../api/names.ts';
import { createAuthPodProber } from './prober.ts';
import type { AuthPodProber } from './prober.ts';
import type { Reachability } from './reachability.ts';
import { ListeningPod } from './testing/listening-pod.ts';

const stack = { namespace: 'auth', name: 'shop' };
/** A loopback network of this file's own. */
const IP = '127.71.0.1';

/** A prober whose time the test moves, and the watch that tells it of pods. */
class World implements AsyncDisposable {
  readonly changed: ObjectRef[] = [];
  readonly prober: AuthPodProber;
  private readonly clock = new FakeClock();
  private readonly pods = new Store<Pod>();
  private readonly stopping = new AbortController();
  private readonly ended: Promise<void>;
  private version = 0;

  constructor() {
    this.prober = createAuthPodProber({
      clock: this.clock,
      followPods: (listener) => {
        this.pods.onChange(listener);
      },
      onChange: (ref) => this.changed.push(ref),
    });
    this.ended = this.prober.run(this.stopping.signal);
    this.pods.set(this.pod());
  }

  look(): Reachability {
    return this.prober.reachabilityOf({ namespace: 'auth', name: 'shop-auth-1' });
  }

  /** Seconds in which nothing is waited for. */
  async pass(seconds: number): Promise<void> {
    for (let tenth = 0; tenth < seconds * 10; tenth += 1) await this.clock.advance(100);
  }

  /** A second at whose end the question that was asked in it is answered. */
  async secondWithAnswer(): Promise<void> {
    const begun = this.clock.now();
    await this.pass(1.1);
    await eventually(() => {
      const { ago = Infinity } = this.look() as { readonly ago?: number };
      expect(ago).toBeLessThan(this.clock.now() - begun);
    });
  }

  podDisappears(): void {
    this.pods.remove(this.pod());
  }

  podBecomes(change: { readonly isReady?: boolean; readonly labels?: object; readonly metadata?: object }): void {
    this.pods.set(this.pod(change));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort();
    await this.ended;
  }

  private pod({ isReady = true, labels = {}, metadata = {} }: Parameters<World['podBecomes']>[0] = {}): Pod {
    this.version += 1;
    const own = { namespace: 'auth', name: 'shop-auth-1', uid: 'u1', resourceVersion: String(this.version) };
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...own, labels: { ...labelsOf({ metadata: stack }, 'auth'), ...labels }, ...metadata },
      spec: {},
      status: { podIP: IP, conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
    };
  }
}

test('a pod that stops answering is silent after 3 s, and back with its first answer; each wakes its stack once', async () => {
  await using pod = await ListeningPod.at(IP);
  await using world = new World();
  expect(world.look()).toEqual({ state: 'unknown' });
  for (let second = 0; second < 5; second += 1) await world.secondWithAnswer();
  expect(world.changed).toEqual([]);
  expect(pod.accepted).toBe(1);

  pod.freeze();
  await world.pass(4.5);
  expect(world.look()).toEqual({ state: 'silent' });
  await world.pass(10);
  expect(world.changed).toEqual([stack]);

  pod.thaw();
  await world.secondWithAnswer();
  expect(world.changed).toEqual([stack, stack]);
  await eventually(() => expect(pod.connections.size).toBe(1));
});

test('a pod where nobody listens is silent', async () => {
  await using world = new World();
  world.look();
  await world.pass(4.5);
  expect(world.look()).toEqual({ state: 'silent' });
});

test('a connection that breaks unnoticed does not make its pod silent: the next question takes another connection', async () => {
  await using pod = await ListeningPod.at(IP);
  await using world = new World();
  world.look();
  await world.secondWithAnswer();
  for (let time = 0; time < 4; time += 1) {
    pod.breakConnections();
    await world.pass(1.1);
    await world.secondWithAnswer();
  }
  expect(world.changed).toEqual([]);
});

test.each<[string, (world: World) => unknown]>([
  ['its object is gone', (world) => world.podDisappears()],
  ['it is Terminating', (world) => world.podBecomes({ metadata: { deletionTimestamp: '2030-01-01T00:00:00Z' } })],
  ['it is not ready and in service', (world) => world.podBecomes({ isReady: false })],
  ['the process ends', (world) => world[Symbol.asyncDispose]()],
])('a pod is asked no more once %s', async (_when, happens) => {
  await using pod = await ListeningPod.at(IP);
  await using world = new World();
  world.look();
  await world.secondWithAnswer();
  await happens(world);
  await eventually(() => expect(pod.connections.size).toBe(0));
  await world.pass(3);
  expect(pod.accepted).toBe(1);
});

test('a pod that is out of service is asked whatever its kubelet says, for somebody may put it back', async () => {
  await using pod = await ListeningPod.at(IP);
  await using world = new World();
  world.podBecomes({ isReady: false, labels: { [SERVING_LABEL]: OUT_OF_SERVICE } });
  await world.secondWithAnswer();
  expect(pod.accepted).toBe(1);
});

test('a pod of another part of the stack is not asked', async () => {
  await using pod = await ListeningPod.at(IP);
  await using world = new World();
  world.podBecomes({ labels: { 'app.kubernetes.io/component': 'mongodb' } });
  await world.pass(3);
  expect(pod.accepted).toBe(0);
  expect(world.look()).toEqual({ state: 'unknown' });
});

test('nothing is resolved to ask a pod: DNS that is spoilt makes nobody silent', async () => {
  await using pod = await ListeningPod.at(IP);
  await using world = new World();
  const lookup = jest.spyOn(dns, 'lookup').mockImplementation(() => {
    throw new Error('DNS is spoilt');
  });
  try {
    await world.secondWithAnswer();
    await world.secondWithAnswer();
    expect(pod.accepted).toBe(1);
  } finally {
    lookup.mockRestore();
  }
});
