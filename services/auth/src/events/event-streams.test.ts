import { beforeEach, expect, test } from '@jest/globals';
import { TooManyStreams } from './errors.ts';
import { EventStreams } from './event-streams.ts';
import type { Sink } from './event-streams.ts';
import { streamLimits } from './stream-limits.ts';

interface Client extends Sink {
  readonly got: readonly string[];
  readonly state: 'open' | 'ended' | 'cut';
  reads: boolean;
}

/** What it does not read stays in the backlog. */
function aClient(): Client {
  const got: string[] = [];
  let state: Client['state'] = 'open';
  let backlog = 0;
  return {
    got,
    reads: true,
    get state() {
      return state;
    },
    get backlog() {
      return backlog;
    },
    write(text) {
      if (this.reads) got.push(text);
      else backlog += text.length;
    },
    end: () => (state = 'ended'),
    cut: () => (state = 'cut'),
  };
}

let now: number;
let ended: string[];
let streams: EventStreams;

beforeEach(() => {
  now = 0;
  ended = [];
  streams = new EventStreams({
    clock: { monotonic: () => now },
    random: () => 1,
    ended: (reason) => ended.push(reason),
  });
});

function connect(client: string, instance?: string): Client & { readonly leave: () => void } {
  const sink = aClient();
  const leave = streams.open({ client, credential: 'c1', instance }, sink, 'snapshot');
  return Object.assign(sink, { leave });
}

test('each is sent the snapshot first and then what all are sent', () => {
  const first = connect('shop/orders');
  streams.send('a');
  const second = connect('shop/stock');
  streams.send('b');
  expect([first.got, second.got]).toEqual([
    ['snapshot', 'a', 'b'],
    ['snapshot', 'b'],
  ]);
});

test('one that does not read is cut off, and holds nobody up', () => {
  const [stuck, other] = [connect('shop/orders'), connect('shop/orders')];
  stuck.reads = false;
  for (let beat = 0; beat <= streamLimits.backlogFor + 2_000; beat += 2_000) {
    now = beat;
    streams.send('x');
  }
  expect([stuck.state, other.state, other.got.length, ended]).toEqual(['cut', 'open', 8, ['not_reading']]);
});

test('what was written a moment ago is no sign that a client does not read', () => {
  const client = connect('shop/orders');
  let written = 0;
  Object.defineProperty(client, 'backlog', { get: () => written });
  client.write = (text) => (written += text.length);
  for (let beat = 0; beat <= 10 * streamLimits.backlogFor; beat += 2_000) {
    now = beat;
    // Between the beats it has read all.
    written = 0;
    streams.send('x');
  }
  expect([client.state, written]).toEqual(['open', 1]);
});

test('one that falls behind and catches up stays', () => {
  const slow = connect('shop/orders');
  for (let beat = 0; beat <= 10 * streamLimits.backlogFor; beat += 2_000) {
    now = beat;
    // The backlog of a real one falls to nothing; this one counts what was not read.
    Object.defineProperty(slow, 'backlog', { configurable: true, value: beat % 4_000 === 0 ? 60 : 0 });
    streams.send('x');
  }
  expect(slow.state).toBe('open');
});

test('a client has so many streams on a pod; those of others do not count', () => {
  for (let count = 0; count < streamLimits.perClient; count += 1) connect('shop/orders');
  expect(() => connect('shop/orders')).toThrow(TooManyStreams);
  const other = connect('shop/stock');
  other.leave();
  expect(streams.size).toBe(streamLimits.perClient);
});

test('a pod has so many streams in all', () => {
  for (let count = 0; count < streamLimits.inAll; count += 1) connect(`shop/${count % 100}`);
  expect(() => connect('shop/another')).toThrow(TooManyStreams);
});

test('a verifier that comes again takes the place of its earlier stream, also where there is no other place', () => {
  const earlier = connect('shop/orders', 'instance-1');
  const namesake = connect('shop/stock', 'instance-1');
  for (let count = 1; count < streamLimits.perClient; count += 1) connect('shop/orders', `instance-${count + 1}`);

  connect('shop/orders', 'instance-1');

  expect([earlier.state, namesake.state, ended]).toEqual(['cut', 'open', ['replaced']]);
  earlier.leave();
  expect([streams.size, ended]).toEqual([streamLimits.perClient + 1, ['replaced']]);
});

test('the streams of a client that is refused end at once, and no others', () => {
  const [orders, again, stock] = [connect('shop/orders'), connect('shop/orders'), connect('shop/stock')];
  streams.endWhere(({ client }) => client === 'shop/orders', 'client_refused');
  streams.send('secret');
  expect([orders.state, again.state, stock.state]).toEqual(['cut', 'cut', 'open']);
  expect(orders.got).toEqual(['snapshot']);
});

test('an old stream ends in order, and so do all when the pod goes', () => {
  const old = connect('shop/orders');
  now = streamLimits.age * 0.75 - 1;
  streams.send('x');
  const young = connect('shop/orders');
  expect(old.state).toBe('open');
  now += 1;
  streams.send('x');
  expect([old.state, young.state]).toEqual(['ended', 'open']);
  streams.endWhere(() => true, 'draining');
  expect([young.state, streams.size, ended]).toEqual(['ended', 0, ['age', 'draining']]);
});
