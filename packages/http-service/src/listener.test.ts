import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from '@jest/globals';
import { systemClock } from './clock.ts';
import { listen } from './listener.ts';
import type { Listener } from './listener.ts';

interface Served {
  readonly listener: Listener;
  /** The next request, held until its response is ended. */
  readonly begun: () => Promise<ServerResponse>;
}

async function served(): Promise<Served> {
  const server = createServer({ keepAliveTimeout: 75_000 });
  return {
    listener: await listen(server, { port: 0, host: '127.0.0.1' }),
    begun: async () => ((await once(server, 'request')) as [IncomingMessage, ServerResponse])[1],
  };
}

const patient = { clock: systemClock, within: 60_000 };
/** As browsers and load balancers have it: the connection stays for the next request. */
const client = new Agent({ keepAlive: true, timeout: 60_000 });

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

test('connections without a request end at once, also those that never sent one', async () => {
  const { listener, begun } = await served();
  const answer = answerOf(listener.port);
  (await begun()).end('answered');
  await answer;
  const silent = connect(listener.port, '127.0.0.1');
  await once(silent, 'connect');

  await listener.close(patient);

  await once(silent, 'close');
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
