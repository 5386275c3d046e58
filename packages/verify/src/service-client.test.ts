import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createAuthority } from '../../../services/mongodb-agent/src/testing/certificates.ts';
import { bodyOf } from './body.ts';
import { KeptConnection } from './kept-connection.ts';
import { ServiceClient } from './service-client.ts';
import type { ServiceRequest } from './service-client.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { signingKey } from './testing/issuer.ts';
import { consumerSecret, secretMount } from './testing/secret-mount.ts';
import type { Files, SecretMount } from './testing/secret-mount.ts';
import { serviceListener } from './testing/service-listener.ts';
import { parseTrust } from './trust.ts';
import type { Trust } from './trust.ts';

const key = signingKey('k1');
const request: ServiceRequest = { method: 'GET', path: '/events', signal: new AbortController().signal };
const basic = `Basic ${Buffer.from('shop%2Forders:CLIENT-SECRET').toString('base64')}`;

let mount: SecretMount;
let refusals: string[];

beforeEach(async () => {
  mount = await secretMount({});
  refusals = [];
});

afterEach(async () => {
  await mount[Symbol.asyncDispose]();
});

function clientWith(tokenFile?: string): ServiceClient {
  return new ServiceClient({
    directory: mount.directory,
    tokenFile,
    clock: new FakeClock(),
    refused: (clientId, reason) => refusals.push(`${clientId}: ${reason}`),
  });
}

function trustOf(files: Files, changed: Files = {}): Trust {
  return parseTrust(consumerSecret([key], { ...files, ...changed }));
}

function refusing(detail: string): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(401, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ status: 401, code: 'INVALID_CLIENT', detail }));
  };
}

const ok = (response: ServerResponse): unknown => response.end('{}');
const hangUp = (response: ServerResponse): unknown => response.destroy();

test('a client secret is shown with its id, both form-encoded', async () => {
  await using auth = await serviceListener({ answer: ok });
  const response = await clientWith().send({ ...request, method: 'POST', body: { a: 'ä' } }, trustOf(auth.files));
  expect(await bodyOf(response, 10)).toBe('{}');
  expect(auth.asked).toMatchObject([
    { method: 'POST', url: '/events', body: '{"a":"ä"}', headers: { authorization: basic } },
  ]);
  expect(auth.asked[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'content-length': '10' });
});

test('where the Secret has no client secret, the token beside it is shown, read anew for each request', async () => {
  await using auth = await serviceListener({ answer: ok });
  const client = clientWith();
  const trust = trustOf(auth.files, { 'client-secret': '' });
  for (const token of ['first.token.x', 'next.token.y']) {
    await writeFile(join(mount.directory, 'token'), `${token}\n`);
    (await client.send(request, trust)).resume();
  }
  expect(auth.asked.map(({ headers }) => [headers.authorization, headers['authstack-client-id']])).toEqual([
    ['Bearer first.token.x', 'shop/orders'],
    ['Bearer next.token.y', 'shop/orders'],
  ]);
});

test('where a token file is named, a client secret never takes its place', async () => {
  await using auth = await serviceListener({ answer: ok });
  const path = join(mount.directory, 'elsewhere');
  const client = clientWith(path);
  const trust = trustOf(auth.files);
  await expect(client.send(request, trust)).rejects.toThrow(`${path}: there is no such file`);

  await writeFile(path, 'a.token.z');
  (await client.send(request, trust)).resume();
  expect(auth.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer a.token.z']);

  await writeFile(path, 'a token\r\nwith: headers');
  const refused = client.send(request, trust);
  await expect(refused).rejects.toThrow(`${path}: it does not hold a token`);
  await expect(refused).rejects.not.toThrow('headers');
});

test.each<[string, Files, string]>([
  ['no client-id', { 'client-id': '' }, 'client-id is missing'],
  ['no credential', { 'client-secret': '' }, 'neither client-secret nor token is there'],
  ['an auth-url without TLS', { 'auth-url': 'http://localhost:1' }, 'auth-url is not https'],
  ['no certificate to know it by', { 'ca.crt': '' }, 'ca.crt is missing'],
])('nobody is asked with %s', async (_what, changed, reason) => {
  await using auth = await serviceListener({ answer: ok });
  const sending = clientWith().send(request, trustOf(auth.files, changed));
  await expect(sending).rejects.toMatchObject({
    code: 'CLIENT_UNIDENTIFIED',
    message: expect.stringContaining(reason),
  });
  expect(auth.asked).toEqual([]);
});

test('the status says how this service identifies itself, and never with what', async () => {
  await using auth = await serviceListener({ answer: ok });
  const [withSecret, without] = [trustOf(auth.files), trustOf(auth.files, { 'client-secret': '' })];
  const client = clientWith();
  expect(client.statusFor(without)).toMatchObject({ by: 'nothing' });
  const path = join(mount.directory, 'token');
  await writeFile(path, 'a.token.z');
  expect(client.statusFor(without)).toEqual({ by: 'serviceAccount', clientId: 'shop/orders', tokenFile: path });
  // Mounted ahead of the AuthConsumer's change, which takes the secret away.
  expect(client.statusFor(withSecret)).toEqual({ by: 'clientSecret', clientId: 'shop/orders' });
  expect(clientWith(path).statusFor(withSecret)).toMatchObject({ by: 'serviceAccount' });
});

test.each(['authority', 'name'])('nothing is shown to a listener whose certificate is of another %s', async (other) => {
  const authority = other === 'authority' ? await createAuthority() : undefined;
  await using auth = await serviceListener({ answer: ok, ...(authority && { authority }) });
  const url = new URL(auth.files['auth-url'] ?? '');
  if (other === 'name') url.hostname = '127.0.0.1';
  const sending = clientWith().send(request, trustOf(auth.files, { 'auth-url': url.origin }));
  await expect(sending).rejects.toMatchObject({ code: /SIGNATURE|SELF_SIGNED|UNABLE_TO|ALTNAME/ });
  expect(auth.asked).toEqual([]);
});

test('a 401 is about this service: it is reported once for each reason, and stands in the status until it is let in', async () => {
  const answers = [refusing('unknown'), refusing('unknown'), refusing('expired'), ok, refusing('expired')];
  await using auth = await serviceListener({ answer: (response) => answers.shift()?.(response) });
  const [client, trust] = [clientWith(), trustOf(auth.files)];
  for (const reason of ['unknown', 'unknown', 'expired']) {
    await expect(client.send(request, trust)).rejects.toMatchObject({
      code: 'CLIENT_REFUSED',
      message: expect.stringContaining(`shop/orders: ${reason}`),
    });
    expect(client.statusFor(trust)).toMatchObject({ by: 'clientSecret', refused: reason });
  }
  expect(refusals).toEqual(['shop/orders: unknown', 'shop/orders: expired']);

  (await client.send(request, trust)).resume();
  expect(client.statusFor(trust)).not.toHaveProperty('refused');
  await expect(client.send(request, trust)).rejects.toThrow('expired');
  expect(refusals).toHaveLength(3);
});

test.each<[string, (response: ServerResponse) => void]>([
  ['is no problem document', (response) => response.writeHead(401).end('no')],
  ['never ends', (response) => response.writeHead(401).end('x'.repeat(100_000))],
  ['is cut off', (response) => response.writeHead(401, { 'content-length': 10 }).write('1', () => response.destroy())],
])('a 401 is one whose body %s', async (_what, answer) => {
  await using auth = await serviceListener({ answer });
  await expect(clientWith().send(request, trustOf(auth.files))).rejects.toMatchObject({ code: 'CLIENT_REFUSED' });
});

test('every other answer is the caller’s, a long one as it comes, until the caller ends it', async () => {
  await using auth = await serviceListener({
    answer: (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).write('id: 1\n\n'),
  });
  const caller = new AbortController();
  const response = await clientWith().send({ ...request, signal: caller.signal }, trustOf(auth.files));
  const [chunk] = (await once(response, 'data')) as [Buffer];
  expect(chunk.toString()).toBe('id: 1\n\n');
  const closed = new Promise((resolve) => response.once('close', resolve));
  caller.abort(new Error('enough'));
  await closed;
  expect(response.destroyed).toBe(true);
});

test('a caller who gives up is told their own reason, during the handshake and while waiting for an answer', async () => {
  const connections = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(connections, 'listening');
  await using auth = await serviceListener({ answer: () => undefined });
  const neverEncrypts = `https://localhost:${(connections.address() as AddressInfo).port}`;
  try {
    for (const changed of [{ 'auth-url': neverEncrypts }, {}]) {
      const caller = new AbortController();
      const sending = clientWith().send({ ...request, signal: caller.signal }, trustOf(auth.files, changed));
      const begun = 'auth-url' in changed ? once(connections, 'connection') : auth.wasAsked(1);
      const ended = expect(sending).rejects.toThrow('no time left');
      await begun;
      caller.abort(new Error('no time left'));
      await ended;
    }
  } finally {
    connections.close();
  }
});

test('a listener that hangs up is an error of the connection', async () => {
  await using auth = await serviceListener({ answer: (response) => response.destroy() });
  await expect(clientWith().send(request, trustOf(auth.files))).rejects.toMatchObject({ code: 'ECONNRESET' });
});

describe('over a kept connection', () => {
  let kept: KeptConnection;
  let client: ServiceClient;
  beforeEach(() => {
    kept = new KeptConnection();
    client = clientWith();
  });
  afterEach(() => {
    kept.close();
  });

  async function ask(trust: Trust): Promise<string> {
    return bodyOf(await client.send({ ...request, over: kept }, trust), 100);
  }

  test('requests that follow each other make one; others make their own', async () => {
    await using auth = await serviceListener({ answer: ok });
    const trust = trustOf(auth.files);
    for (let times = 0; times < 5; times += 1) expect(await ask(trust)).toBe('{}');
    expect(auth.connections).toBe(1);

    for (let times = 0; times < 2; times += 1) await bodyOf(await client.send(request, trust), 100);
    expect(auth.connections).toBe(3);
  });

  test('each request shows what identifies this service then', async () => {
    await using auth = await serviceListener({ answer: ok });
    await ask(trustOf(auth.files));
    await ask(trustOf(auth.files, { 'client-secret': 'ANOTHER' }));
    expect(new Set(auth.asked.map(({ headers }) => headers.authorization)).size).toBe(2);
    expect(auth.connections).toBe(1);
  });

  test('one that the listener has ended is followed by another', async () => {
    await using auth = await serviceListener({ answer: ok });
    const trust = trustOf(auth.files);
    await ask(trust);
    await auth.endIdleConnections();
    expect(await ask(trust)).toBe('{}');
    expect(auth.connections).toBe(2);
  });

  test('one that ends while the next request is under way costs that nothing, but a new one that ends is an error', async () => {
    const answers = [ok, hangUp, ok, hangUp, hangUp];
    await using auth = await serviceListener({ answer: (response) => answers.shift()?.(response) });
    const trust = trustOf(auth.files);
    await ask(trust);
    expect(await ask(trust)).toBe('{}');
    expect([auth.connections, auth.asked.length]).toEqual([2, 3]);

    await expect(ask(trust)).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect([auth.connections, auth.asked.length]).toEqual([3, 5]);
  });

  test('one that gives no answer is left by the caller who waits no longer, and the next request makes another', async () => {
    const answers = [ok, () => undefined, ok];
    await using auth = await serviceListener({ answer: (response) => answers.shift()?.(response) });
    const trust = trustOf(auth.files);
    await ask(trust);
    const caller = new AbortController();
    const sending = client.send({ ...request, over: kept, signal: caller.signal }, trust);
    const ended = expect(sending).rejects.toThrow('no time left');
    await auth.wasAsked(2);
    caller.abort(new Error('no time left'));
    await ended;
    expect(await ask(trust)).toBe('{}');
    expect(auth.connections).toBe(2);
  });

  test('a Secret that names another listener, or whom else to believe, is followed', async () => {
    await using auth = await serviceListener({ answer: ok });
    await using other = await serviceListener({ answer: ok });
    await ask(trustOf(auth.files));
    await ask(trustOf(other.files));
    expect([auth.connections, other.connections]).toEqual([1, 1]);

    const { cert } = await createAuthority();
    await expect(ask(trustOf(other.files, { 'ca.crt': cert }))).rejects.toMatchObject({
      code: /SIGNATURE|SELF_SIGNED/,
    });
  });

  test('an attempt to connect that fails, or is given up, is the request’s', async () => {
    const nobody = trustOf({ 'auth-url': 'https://localhost:1', 'ca.crt': 'x' });
    await expect(ask(nobody)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const signal = AbortSignal.abort(new Error('no time left'));
    await expect(client.send({ ...request, over: kept, signal }, nobody)).rejects.toThrow('no time left');
  });
});
