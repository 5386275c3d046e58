import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { request } from 'undici';
import { podKind } from './core-kinds.ts';
import type { Pod } from './core-kinds.ts';
import { FakeClock } from './fake-clock.ts';
import { lines } from './lines.ts';
import { PerObject } from './per-object.ts';
import { PodStreams } from './pod-streams.ts';
import type { PodStream, StreamingPod } from './pod-streams.ts';
import { Store } from './store.ts';
import { eventually } from './testing/eventually.ts';

const ended: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

/** A pod that streams on loopback, and who holds the stream. */
class World {
  readonly clock: FakeClock = new FakeClock();
  readonly pods: Store<Pod> = new Store();
  readonly seen: PodStream[] = [];
  readonly streams: PodStreams;
  /** Streams that are open, as the pod sees it. */
  readonly served: Set<ServerResponse> = new Set();
  opened = 0;
  private readonly stopping: AbortController = new AbortController();
  private readonly running: Promise<void>;
  private server: Server | undefined;
  private port = 0;

  constructor() {
    this.streams = new PodStreams({
      perObject: (_kind, onDropped) => new PerObject(this.pods, { clock: this.clock, ...(onDropped && { onDropped }) }),
      clock: this.clock,
      silentAfter: 3_000,
      open: async ({ ip }, signal) => {
        this.opened += 1;
        const { body } = await request(`http://${ip}:${this.port}/`, { signal });
        return lines(body);
      },
      onChange: (_pod, stream) => void this.seen.push(stream),
    });
    this.running = this.streams.run(this.stopping.signal);
    ended.push(async () => {
      await this.stop();
      await this.podEnds();
    });
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  get last(): PodStream | undefined {
    return this.seen.at(-1);
  }

  async podStarts(): Promise<void> {
    this.server = createServer((_request, response) => {
      response.flushHeaders();
      this.served.add(response);
      response.once('close', () => this.served.delete(response));
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  /** As when its process is killed. */
  async podEnds(): Promise<void> {
    const server = this.server;
    if (!server?.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  async says(line: string): Promise<void> {
    await eventually(() => {
      expect(this.served.size).toBe(1);
    });
    const before = this.seen.length;
    for (const response of this.served) response.write(`${line}\n`);
    await eventually(() => {
      expect(this.seen.length).toBeGreaterThan(before);
    });
  }

  podAppears(): void {
    this.pods.set(this.object());
  }

  podDisappears(): void {
    this.pods.remove(this.object());
  }

  private object(): Pod {
    const metadata = { namespace: 'default', name: 'a', uid: 'a', resourceVersion: '1' };
    return { apiVersion: podKind.apiVersion, kind: podKind.kind, metadata } as Pod;
  }
}

const pod: StreamingPod = { namespace: 'default', name: 'a', uid: 'a', ip: '127.0.0.1', owner: 'default/shop' };

async function open(): Promise<World> {
  const world = new World();
  await world.podStarts();
  world.podAppears();
  world.streams.hold(pod);
  await world.says('one');
  return world;
}

test('each line that differs from the one before is a change, and a heartbeat is none', async () => {
  const world = await open();
  for (const response of world.served) response.write('one\n');
  await world.says('two');
  expect(world.seen).toEqual([
    { state: 'open', line: 'one' },
    { state: 'open', line: 'two' },
  ]);
  expect(world.streams.of(pod)).toEqual({ state: 'open', line: 'two' });
});

test('a process that is killed is noticed at once, and a port that refuses proves it', async () => {
  const world = await open();
  await world.podEnds();
  await eventually(() => {
    expect(world.last).toMatchObject({ state: 'lost', why: 'ended', line: 'one' });
  });
  await world.clock.advance(100);
  await eventually(() => {
    expect(world.last).toMatchObject({ state: 'lost', why: 'refused', line: 'one' });
  });
});

test('silence is told from an end, and the stream is opened anew', async () => {
  const world = await open();
  const heardAt = world.clock.monotonic();
  await world.clock.advance(2_999);
  expect(world.last).toMatchObject({ state: 'open' });
  await world.clock.advance(1);
  await eventually(() => {
    expect(world.last).toEqual({ state: 'lost', why: 'silent', line: 'one', since: heardAt });
  });
  await eventually(() => {
    expect(world.served.size).toBe(0);
  });
  await world.clock.advance(200);
  await world.says('two');
  expect(world.last).toEqual({ state: 'open', line: 'two' });
});

test('a pod that does not answer is tried with growing pauses, and at once when it is known to answer', async () => {
  const world = await open();
  await world.podEnds();
  for (let minute = 0; minute < 10; minute++) {
    await world.clock.advance(60_000);
    await eventually(() => {
      expect(world.clock.nextTimerIn()).toBeDefined();
    });
  }
  // Ten minutes; each 30 s at the most once pauses have grown, and a few before.
  expect(world.opened).toBeLessThan(40);
  await world.podStarts();
  await eventually(() => {
    world.streams.hold(pod);
    expect(world.served.size).toBe(1);
  });
  await world.says('two');
});

test('the stream ends with its Pod object, and another pod of the name gets its own', async () => {
  const world = await open();
  world.podDisappears();
  expect(world.streams.of(pod)).toBeUndefined();
  await eventually(() => {
    expect(world.served.size).toBe(0);
  });
  world.streams.hold({ ...pod, uid: 'b' });
  await world.says('two');
  expect(world.opened).toBe(2);
});

test('once the manager stops leading, no stream is held', async () => {
  const world = await open();
  await world.stop();
  await eventually(() => {
    expect(world.served.size).toBe(0);
  });
  world.streams.hold({ ...pod, uid: 'b' });
  expect(world.opened).toBe(1);
});
