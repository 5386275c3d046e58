import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Histogram, Registry } from 'prom-client';
import { refuseOtherMethods } from './allowed-methods.ts';
import { publicDocument } from './documents.ts';
import { exactRouter } from './exact-router.ts';
import { jsonBody } from './json-body.ts';
import { commonProblems } from './problems.ts';
import { createPublicApp } from './public-app.ts';
import { createPublicServer } from './public-server.ts';
import { otherSpellings, statusOf } from './testing/other-spellings.ts';

interface Site extends AsyncDisposable {
  readonly port: number;
  readonly log: readonly string[];
  readonly metrics: () => Promise<string>;
  /** How many requests have reached a handler. */
  readonly handled: () => number;
}

async function serve(): Promise<Site> {
  const log: string[] = [];
  const registry = new Registry();
  const duration = new Histogram({
    name: 'requests',
    help: 'Time to answer.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  let handled = 0;
  const app = createPublicApp({
    log: pino({}, { write: (line: string) => log.push(line) }),
    duration,
    origin: () => 'https://shop.example.com',
    problems: commonProblems,
    quiet: ['/api/quiet'],
    documents: { '/keys': () => publicDocument({ keys: [1] }, { cacheControl: 'public, max-age=5' }) },
    mount(mounted) {
      const router = exactRouter()
        .get('/things/:id', (_request, response) => {
          response.json({});
        })
        .delete('/things/:id', (_request, response) => {
          response.status(204).end();
        })
        .get('/never', () => undefined)
        .get('/quiet', ({ query }, response) => {
          response.status(Number(query['status'])).end();
        })
        .post('/things', jsonBody({ maxBytes: 16_384 }), (request, response) => {
          handled += 1;
          response.json(request.body ?? null);
        });
      mounted.use('/api', refuseOtherMethods(router));
    },
  });
  const server = createPublicServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    log,
    metrics: () => registry.metrics(),
    handled: () => handled,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function connected({ port }: Site): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  await once(socket, 'connect');
  return socket;
}

/** What comes until the connection ends. */
async function restOf(socket: Socket): Promise<string> {
  let rest = '';
  for await (const chunk of socket) rest += String(chunk);
  return rest;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await turnOfTheLoop();
}

async function answerTo(site: Site, ...lines: readonly string[]): Promise<string> {
  const socket = await connected(site);
  socket.write([...lines, 'host: x', 'connection: close', '', ''].join('\r\n'));
  return restOf(socket);
}

test.each([
  ['POST', '/api/things/7', 405, 'GET, HEAD, DELETE, OPTIONS'],
  ['PUT', '/api/things', 405, 'POST, OPTIONS'],
  ['GET', '/api/things', 405, 'POST, OPTIONS'],
  ['OPTIONS', '/api/things/7', 204, 'GET, HEAD, DELETE, OPTIONS'],
  ['POST', '/api/nothing', 404, undefined],
])('%s %s is a %i that allows %s', async (...[method, path, status, allow]) => {
  await using site = await serve();
  const answer = await fetch(`http://127.0.0.1:${site.port}${path}`, { method });
  expect([answer.status, answer.headers.get('allow') ?? undefined]).toEqual([status, allow]);
  if (status !== 204) expect(await answer.json()).toMatchObject({ status });
});

test.each<[string, string, string]>([
  ['its length is declared', 'content-length: 100000000', ''],
  ['its length is not', 'transfer-encoding: chunked', `7000\r\n${'x'.repeat(0x7000)}\r\n`],
])(
  'a body that is too large is refused before it is read to its end, and ends the connection, when %s',
  async (...[, declared, sent]) => {
    await using site = await serve();
    const socket = await connected(site);
    // All of it never comes.
    socket.write(
      `POST /api/things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${declared}\r\n\r\n${sent}`,
    );

    expect(await restOf(socket)).toMatch(/^HTTP\/1.1 413 (.|\r\n)*connection: close\r\n(.|\r\n)*"BODY_TOO_LARGE"/i);
    expect(site.handled()).toBe(0);
  },
);

test('a client that sends all of a large body before it reads still gets the answer', async () => {
  await using site = await serve();
  const socket = await connected(site);
  const body = 'x'.repeat(500_000);
  socket.write(
    `POST /api/things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
  );
  await new Promise((sent) => socket.write(body, sent));

  expect(await restOf(socket)).toMatch(/^HTTP\/1.1 413 /);
});

test('of a body without end a megabyte is read at most', async () => {
  await using site = await serve();
  const socket = await connected(site);
  socket.on('error', () => undefined);
  socket.write('POST /api/nothing HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
  while (!socket.destroyed) {
    if (socket.writableLength === 0) socket.write(chunk);
    await turnOfTheLoop();
  }

  // What the kernel holds of it comes on top.
  expect(socket.bytesWritten).toBeLessThan(16 * 1024 * 1024);
});

test('who asks before sending is refused without sending, or told to go on', async () => {
  await using site = await serve();
  const head = 'POST /api/things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n';
  const refused = await connected(site);
  refused.write(`${head}content-length: 100000\r\n\r\n`);
  expect(await restOf(refused)).toMatch(/^HTTP\/1.1 413 /);

  const accepted = await connected(site);
  accepted.write(`${head}connection: close\r\ncontent-length: 9\r\n\r\n`);
  expect(await once(accepted, 'data')).toEqual(['HTTP/1.1 100 Continue\r\n\r\n']);
  accepted.write('{"id": 7}');
  expect(await restOf(accepted)).toMatch(/^HTTP\/1.1 200 OK(.|\r\n)*\{"id":7\}$/);
});

test('a small body keeps the connection, whether it is read or not', async () => {
  await using site = await serve();
  const socket = await connected(site);
  const head = 'HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n';
  socket.write(`POST /api/things ${head}\r\n{}`);
  expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1.1 200 OK(.|\r\n)*connection: keep-alive/i);
  socket.write(`POST /api/nothing ${head}connection: close\r\n\r\n{}`);
  expect(await restOf(socket)).toMatch(/^HTTP\/1.1 404 /);
});

test.each<[string, Record<string, string>, string | Buffer, number, string]>([
  ['no JSON', {}, 'word', 400, 'MALFORMED_JSON'],
  ['a bare string', {}, '"text"', 400, 'MALFORMED_JSON'],
  ['null', {}, 'null', 400, 'MALFORMED_JSON'],
  ['no UTF-8', {}, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, 'MALFORMED_JSON'],
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'a=1', 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['another charset', { 'content-type': 'application/json; charset=latin1' }, '{}', 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['a longer type', { 'content-type': 'application/json-patch+json' }, '{}', 415, 'UNSUPPORTED_MEDIA_TYPE'],
  ['compressed', { 'content-encoding': 'gzip' }, '{}', 415, 'UNSUPPORTED_MEDIA_TYPE'],
])('a body that is %s is refused', async (...[, headers, body, status, code]) => {
  await using site = await serve();
  const sent = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
  const answer = await fetch(`http://127.0.0.1:${site.port}/api/things`, sent);
  expect([answer.status, await answer.json()]).toEqual([status, expect.objectContaining({ code })]);
});

test.each([
  ['application/json', '{"a":1}', '{"a":1}'],
  ['APPLICATION/JSON; charset="UTF-8"', '\uFEFF{"a":"é"}', '{"a":"é"}'],
  ['application/json', '', 'null'],
])('%s %j is read as %j', async (type, body, read) => {
  await using site = await serve();
  const sent = { method: 'POST', headers: { 'content-type': type }, body };
  expect(await (await fetch(`http://127.0.0.1:${site.port}/api/things`, sent)).text()).toBe(read);
});

test('a request whose client hangs up is counted and logged as aborted', async () => {
  await using site = await serve();
  const socket = await connected(site);
  socket.write('GET /api/never HTTP/1.1\r\nhost: x\r\n\r\n');
  const left = 'requests_count{method="GET",route="/api/never",status="aborted"} 1';
  socket.destroySoon();
  await until(async () => (await site.metrics()).includes(left));

  expect(site.log.join('')).toMatch(/"path":"\/api\/never"\},"responseTime":\d+,"msg":"request aborted"/);
});

test('whatever is mounted, a path has one spelling; documents as well', async () => {
  await using site = await serve();
  const address = `http://127.0.0.1:${site.port}`;
  for (const path of ['/api/things/7', '/keys']) {
    expect([path, await statusOf(address, 'GET', path)]).toEqual([path, 200]);
    for (const other of otherSpellings(path)) {
      expect([other, await statusOf(address, 'GET', other)]).toEqual([other, 404]);
    }
  }
});

test('a request is counted by route and logged by path, with the id that its client is told', async () => {
  await using site = await serve();
  const answer = await fetch(`http://127.0.0.1:${site.port}/api/things/7?token=secret`);
  await answer.text();
  await until(() => site.log.join('').includes('request answered'));
  expect(await site.metrics()).toContain('requests_count{method="GET",route="/api/things/:id",status="200"} 1');
  expect(JSON.parse(site.log.join(''))).toMatchObject({
    req: { id: answer.headers.get('x-request-id'), method: 'GET', path: '/api/things/7' },
    res: { status: 200 },
  });
  expect(site.log.join('')).not.toContain('secret');
});

test('a path that machines ask all the time is counted, and of its requests only those that fail are logged', async () => {
  await using site = await serve();
  for (const status of [204, 403, 503]) await fetch(`http://127.0.0.1:${site.port}/api/quiet?status=${status}`);
  await until(async () => (await site.metrics()).includes('route="/api/quiet",status="503"} 1'));
  expect(await site.metrics()).toContain('route="/api/quiet",status="204"} 1');
  expect(site.log.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { level: 30, res: { status: 403 } },
    { level: 40, res: { status: 503 } },
  ]);
});

test('a document has the headers of every answer, is counted, and is sent only to those who do not hold it', async () => {
  await using site = await serve();
  const address = `http://127.0.0.1:${site.port}/keys`;
  const answer = await fetch(address);
  expect(await answer.json()).toEqual({ keys: [1] });
  const [document, other] = [answer.headers, (await fetch(`http://127.0.0.1:${site.port}/other`)).headers];
  expect(document.get('cache-control')).toBe('public, max-age=5');
  for (const name of ['content-security-policy', 'strict-transport-security', 'x-content-type-options']) {
    expect([name, document.get(name)]).toEqual([name, other.get(name)]);
  }
  expect(document.get('strict-transport-security')).toBe('max-age=31536000');
  const etag = document.get('etag') ?? '';

  for (const held of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await answerTo(site, 'GET /keys HTTP/1.1', `if-none-match: ${held}`);
    expect(again).toMatch(/^HTTP\/1.1 304 (?:.|\r\n)*\r\n\r\n$/);
  }
  expect(await answerTo(site, 'GET /keys HTTP/1.1', 'if-none-match: "other"')).toMatch(/^HTTP\/1.1 200 /);
  expect(await site.metrics()).toContain('requests_count{method="GET",route="/keys",status="304"} 4');
  expect(site.log.join('')).not.toContain('/keys');
});
