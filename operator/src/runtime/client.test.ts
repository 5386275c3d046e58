import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createApiClient } from './client.ts';
import type { Answer, ApiClient } from './client.ts';

const TOKEN = 'not-for-anybodys-eyes';
const { signal } = new AbortController();
let folder: string;
let server: Server;
let client: ApiClient;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const answers: Answer[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'client-'));
  server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const kubeconfig = join(folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token: TOKEN } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  client = createApiClient({ userAgent: 'tester/1', kubeconfig, onAnswer: (each) => void answers.push(each) });
});

afterAll(async () => {
  await client.close();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

test('a request carries who we are and what kind of body it has', async () => {
  let seen: IncomingMessage | undefined;
  answer = (request, response) => {
    seen = request;
    response.end('{"kind":"Widget"}');
  };
  const contentType = 'application/merge-patch+json';
  const query = { fieldManager: 'a b' };
  const got = await client.send({ method: 'PATCH', path: '/apis/x', query, body: { a: 1 }, contentType, signal });
  expect(got).toEqual({ kind: 'Widget' });
  expect(seen?.url).toBe('/apis/x?fieldManager=a+b');
  expect(seen?.headers).toMatchObject({
    'user-agent': 'tester/1',
    'content-type': contentType,
    authorization: `Bearer ${TOKEN}`,
  });
  expect(answers.at(-1)).toMatchObject({ method: 'PATCH', code: 200, host: seen?.headers.host });
});

test('an error names the request and the reason, and never the token', async () => {
  answer = (_request, response) => {
    response
      .writeHead(409)
      .end('{"kind":"Status","reason":"AlreadyExists","message":"widgets \\"a\\" already exists"}');
  };
  const refused = client.send({ method: 'POST', path: '/apis/x', body: {}, signal });
  await expect(refused).rejects.toMatchObject({
    name: 'ApiError',
    status: 409,
    reason: 'AlreadyExists',
    message: 'POST /apis/x: widgets "a" already exists',
  });
  await expect(refused).rejects.not.toThrow(TOKEN);
});

test('a server that asks to come back later is asked later, and gets the same request', async () => {
  const bodies: string[] = [];
  answer = (request, response) => {
    request.on('data', (chunk: Buffer) => void bodies.push(chunk.toString()));
    request.on('end', () => {
      if (bodies.length > 1) response.end('{"kind":"Widget"}');
      else response.writeHead(429, { 'retry-after': '0' }).end('{"reason":"TooManyRequests","message":"busy"}');
    });
  };
  const sent = client.send({ method: 'POST', path: '/apis/x', body: { a: 1 }, signal });
  await expect(sent).resolves.toEqual({ kind: 'Widget' });
  expect(bodies).toEqual(['{"a":1}', '{"a":1}']);
});

test('an error carries how long the server asks to wait', async () => {
  answer = (_request, response) => {
    response.writeHead(503, { 'retry-after': '7' }).end('{"reason":"ServiceUnavailable","message":"starting"}');
  };
  const refused = client.send({ method: 'GET', path: '/', signal });
  await expect(refused).rejects.toMatchObject({ status: 503, retryAfter: 7_000 });
});

test('an answer of a proxy in between is passed on, shortened', async () => {
  answer = (_request, response) => {
    response.writeHead(502).end(`<html>bad gateway${'!'.repeat(5_000)}`);
  };
  const refused: unknown = await client.send({ method: 'GET', path: '/', signal }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 502, reason: 'Unknown' });
  expect((refused as Error).message).toContain('502 <html>bad gateway');
  expect((refused as Error).message.length).toBeLessThan(300);
});

test('an answer of any kind tells the time of the server, and how long it took', async () => {
  const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
  const status = (code: number): void => {
    answer = (_request, response) => {
      setTimeout(() => response.writeHead(code, { date }).end('{}'), 50);
    };
  };
  status(200);
  await client.send({ method: 'GET', path: '/', signal });
  await client.stream({ path: '/', signal });
  status(404);
  await client.send({ method: 'GET', path: '/', signal }).catch(() => undefined);
  expect(answers.slice(-3)).toEqual(
    [200, 200, 404].map((code): unknown => expect.objectContaining({ code, date, took: expect.any(Number) })),
  );
  expect(Math.min(...answers.slice(-3).map(({ took }) => took))).toBeGreaterThanOrEqual(49);
});

test('a server that does not tell the time is heard all the same', async () => {
  answer = (_request, response) => {
    response.sendDate = false;
    response.end('{}');
  };
  await client.send({ method: 'GET', path: '/', signal });
  expect(answers.at(-1)?.date).toBeUndefined();
});

test('a stream yields whole lines, however they are cut on the way', async () => {
  const text = Buffer.from('{"a":"ü"}\n{"b":"€"}\n');
  answer = (_request, response) => {
    let at = 0;
    const more = (): void => {
      if (at === text.length) response.end();
      else response.write(text.subarray(at, ++at), more);
    };
    more();
  };
  const lines: string[] = [];
  for await (const line of await client.stream({ path: '/', signal })) lines.push(line);
  expect(lines).toEqual(['{"a":"ü"}', '{"b":"€"}']);
});

test('an aborted request ends with the reason of its signal', async () => {
  answer = () => undefined;
  const abort = new AbortController();
  const sent = client.send({ method: 'GET', path: '/', signal: abort.signal });
  abort.abort(new Error('leadership was lost'));
  await expect(sent).rejects.toThrow('leadership was lost');
});
