import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { hangUpOf } from './hang-up.ts';

async function serving() {
  const server = createServer({ keepAliveTimeout: 75_000 }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    begun: async () => ((await once(server, 'request')) as [IncomingMessage, ServerResponse])[1],
    client: () => get({ port, host: '127.0.0.1' }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

test('a client that hangs up before its answer is noticed at once', async () => {
  await using server = await serving();
  const client = server.client();
  client.on('error', () => undefined);
  const response = await server.begun();
  const signal = hangUpOf(response);
  client.destroy();
  await once(signal, 'abort');
  expect(signal.aborted).toBe(true);
  // Asked too late, it is known all the same.
  expect(hangUpOf(response).aborted).toBe(true);
});

test('a client that was answered has not hung up', async () => {
  await using server = await serving();
  const client = server.client();
  const response = await server.begun();
  const signal = hangUpOf(response);
  const closed = once(response, 'close');
  response.end('answered');
  const [answer] = (await once(client, 'response')) as [IncomingMessage];
  answer.resume();
  await closed;
  expect(signal.aborted).toBe(false);
});
