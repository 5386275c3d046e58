import { once } from 'node:events';
import { Agent, createServer, get, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { listen } from './listener.ts';
import type { Listener, ListenOptions } from './listener.ts';
import { serverLimits } from './server-limits.ts';

interface Served {
  readonly listener: Listener;
  /** The next request, held until its response is ended. */
  readonly begun: () => Promise<ServerResponse>;
}

async function served(options: Partial<ListenOptions> = {}): Promise<Served> {
  const server = createServer(serverLimits);
  return {
    listener: await listen(server, { port: 0, host: '127.0.0.1', ...options }),
    begun: async () => ((await once(server, 'request')) as [IncomingMessage, ServerResponse])[1],
  };
}

/** A client that a test writes to byte by byte. */
class RawClient {
  readonly socket: Socket;
  received = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk) => (this.received += String(chunk)));
    socket.on('error', (error) => (this.received += `[${(error as NodeJS.ErrnoException).code ?? ''}]`));
  }

  static async to({ port }: Listener): Promise<RawClient> {
    const client = new RawClient(connect(port, '127.0.0.1'));
    await once(client.socket, 'connect');
    return client;
  }

  async ended(): Promise<string> {
    if (!this.socket.closed) await once(this.socket, 'close');
    return this.received;
  }

  async answered(): Promise<string> {
    while (!this.received.includes('\r\n\r\n')) await once(this.socket, 'data');
    const answer = this.received;
    this.received = '';
    return answer;
  }
}

const ASK = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

/** Answers every request as soon as its body was read. */
async function answering(options: Partial<ListenOptions> = {}): Promise<Listener> {
  const server = createServer(serverLimits, (asked, response) => {
    asked.resume().once('end', () => response.end('served'));
  });
  return listen(server, { port: 0, host: '127.0.0.1', ...options });
}

const patient = { clock: systemClock, within: 60_000 };
/** As browsers and load balancers have it: the connection stays for the next request. */
const client = new Agent({ keepAlive: true, timeout: 60_000 });

/** A clock whose timers ring when the test says so. */
function ringing(): { readonly clock: Pick<Clock, 'after'>; readonly ring: (delay: number) => void } {
  const set = new Map<number, () => void>();
  return {
    clock: { after: (delay, callback) => (set.set(delay, callback), () => set.delete(delay)) },
    ring: (delay) => set.get(delay)?.(),
  };
}

async function answerOf(port: number): Promise<string> {
  const [response] = (await once(get({ port, host: '127.0.0.1', agent: client }), 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

test('a request that has begun is answered, and its connection does not outlive it', async () => {
  const { listener, begun } = await served();
  const answer = answerOf(listener.port);
  const response = await begun();
  const closed = listener.close(patient);

  response.end('answered');

  expect(await answer).toBe('answered');
  await closed;
});

test('while it drains it still accepts, and each answer ends its connection, also one that had begun', async () => {
  const { listener, begun } = await served();
  const before = await RawClient.to(listener);
  before.socket.write(ASK);
  const response = await begun();

  listener.drain();
  response.end('answered');
  const after = await RawClient.to(listener);
  after.socket.write(ASK);
  (await begun()).end('answered');

  for (const each of [before, after]) expect(await each.ended()).toMatch(/connection: close\r\n(.|\r\n)*answered/i);
  await listener.close();
});

test('an answer whose head was sent before the end began ends its connection as well', async () => {
  const { listener, begun } = await served();
  const each = await RawClient.to(listener);
  each.socket.write(ASK);
  const response = await begun();
  response.write('first ');
  await each.answered();

  const closed = listener.close(patient);
  response.end('second');

  expect(await each.ended()).toContain('second');
  await closed;
});

test('an idle connection is ended at once, but not before a request that has already arrived on it is answered', async () => {
  const listener = await answering();
  const [idle, asking] = [await RawClient.to(listener), await RawClient.to(listener)];
  for (const each of [idle, asking]) {
    each.socket.write(ASK);
    await each.answered();
  }

  // The kernel has the bytes when `close` is called; the server has yet to read them.
  asking.socket.write(ASK);
  await listener.close(patient);

  expect(await idle.ended()).toBe('');
  expect(await asking.ended()).toMatch(/^HTTP\/1.1 200 OK\r\nconnection: close\r\n/i);
});

test('a connection that waits to be accepted is served, when its request has arrived', async () => {
  const listener = await answering();
  const asking = connect(listener.port, '127.0.0.1');
  let answer = '';
  asking.on('data', (chunk) => (answer += String(chunk)));
  asking.write(ASK);
  // The kernel connects it, and its request is sent in the same turn as the listener's close begins.
  await once(asking, 'connect');
  await listener.close(patient);

  if (!asking.closed) await once(asking, 'close');

  expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\nconnection: close\r\n/i);
});

test('half a request is waited for, a connection that never sent one is not', async () => {
  const { clock, ring } = ringing();
  const listener = await answering();
  const [silent, slow] = [await RawClient.to(listener), await RawClient.to(listener)];
  slow.socket.write('GET / HTTP/1.1\r\n');
  while (slow.socket.bytesWritten === 0) await turnOfTheLoop();

  const closed = listener.close({ clock, within: 60_000 });
  for (let turn = 0; turn < 10; turn += 1) await turnOfTheLoop();
  ring(1_000);

  expect(await silent.ended()).toBe('');
  slow.socket.write('host: x\r\n\r\n');
  expect(await slow.ended()).toMatch(/^HTTP\/1.1 200 OK/);
  await closed;
});

test('a request that does not end in time is cut', async () => {
  const { listener, begun } = await served();
  const answer = expect(answerOf(listener.port)).rejects.toThrow(/socket hang up|ECONNRESET/);
  await begun();

  await listener.close({ ...patient, within: 10 });

  await answer;
});

test('without grace every connection ends, and nobody is let in after', async () => {
  const { listener, begun } = await served();
  const answer = expect(answerOf(listener.port)).rejects.toThrow(/socket hang up|ECONNRESET/);
  await begun();

  await listener.close();

  await answer;
  await expect(answerOf(listener.port)).rejects.toThrow(/ECONNREFUSED/);
});

test('however many connections send nothing, or half a request, or half a body: a new one is served', async () => {
  const listener = await answering({ atMost: 8 });
  const kinds = ['', 'GET / HTT', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf'];
  const slow: RawClient[] = [];
  for (let each = 0; each < 30; each += 1) {
    const client = await RawClient.to(listener);
    client.socket.write(kinds[each % 3] ?? '');
    slow.push(client);
  }

  const honest = await RawClient.to(listener);
  honest.socket.write(ASK);

  expect(await honest.answered()).toMatch(/^HTTP\/1.1 200 OK/);
  expect(listener.connections.size).toBe(8);
  // 31 came.
  expect(listener.connections.endedForRoom).toBe(23);
  // The first to come is the first to go.
  expect(slow.map(({ socket }) => socket.destroyed)).toEqual(slow.map((_, index) => index < 23));
  await listener.close();
});

test('a connection whose request is being answered is never ended for room; the newcomer is', async () => {
  const { listener, begun } = await served({ atMost: 1 });
  const first = await RawClient.to(listener);
  first.socket.write(ASK);
  const response = await begun();

  await (await RawClient.to(listener)).ended();
  response.end('answered');

  expect(await first.answered()).toMatch(/^HTTP\/1.1 200 OK/);
  await listener.close();
});

test('a client that sends no whole request in time is told so and ended', async () => {
  const server = createServer({
    ...serverLimits,
    headersTimeout: 100,
    requestTimeout: 200,
    connectionsCheckingInterval: 20,
  });
  const listener = await listen(server, { port: 0, host: '127.0.0.1' });
  const [silent, slow, endless] = [
    await RawClient.to(listener),
    await RawClient.to(listener),
    await RawClient.to(listener),
  ];
  slow.socket.write('GET / HTTP/1.1\r\n');
  endless.socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf');

  for (const each of [silent, slow, endless]) {
    expect(await each.ended()).toMatch(/^(HTTP\/1.1 408 Request Timeout\r\n|$)/);
  }
  await listener.close();
});

test('an agent that reads the Keep-Alive header closes its idle connections within a drain of 5 s', async () => {
  const listener = await answering();
  const asked = request({ port: listener.port, host: '127.0.0.1', agent: client }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  expect(response.headers['keep-alive']).toBe('timeout=5');
  response.resume();
  await listener.close();
});
