import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { agentContract, problem } from '../api.ts';
import { createAuthority, writeTlsFiles } from '../testing/certificates.ts';
import { settings } from '../testing/replica-set.ts';
import { eventually, startPod } from '../testing/pod.ts';
import type { Pod } from '../testing/pod.ts';

const { paths } = agentContract;
let pod: Pod;

beforeAll(async () => {
  pod = await startPod();
});
afterAll(async () => {
  await pod[Symbol.asyncDispose]();
});

test('a client without a certificate learns nothing', async () => {
  await expect(pod.call(paths.observation, undefined, {} as never)).rejects.toThrow();
});

test('a client of another authority learns nothing', async () => {
  const stranger = await (await createAuthority()).issue(agentContract.clientCommonName);
  await expect(pod.call(paths.observation, undefined, stranger)).rejects.toThrow();
});

test('a certificate of the stack with another name is refused', async () => {
  const other = await pod.authority.issue('authstack-orders');
  await expect(pod.call(paths.observation, undefined, other)).resolves.toMatchObject({
    status: 403,
    body: { code: 'CLIENT_REFUSED' },
  });
});

const goodUser = { username: 'root', password: 'a password of length', roles: [{ role: 'root', db: 'admin' }] };

test.each([
  ['a missing field', paths.release, {}, 'pvcUid'],
  ['an unknown field', paths.release, { pvcUid: 'a', force: true }, 'force'],
  ['a field that is no text', paths.release, { pvcUid: 7 }, 'pvcUid'],
  ['an over-long field', paths.release, { pvcUid: 'x'.repeat(65) }, 'pvcUid'],
  ['a host without a port', paths.initiate, { pvcUid: 'a', host: 'shop-mongodb-0', settings }, 'host'],
  [
    'a member with half a vote',
    paths.reconfig,
    { expectedVersion: 1, members: [{ _id: 0, host: 'a:1', votes: 0.5, priority: 0 }] },
    'members.0.votes',
  ],
  [
    'an unknown field deep inside',
    paths.users,
    { ...goodUser, roles: [{ role: 'root', db: 'admin', realm: 'x' }] },
    'roles.0.realm',
  ],
  ['a short password', paths.users, { ...goodUser, password: 'short' }, 'password'],
  ['a fence request without a value', paths.fence, { pvcUid: 'a' }, 'fenced'],
  ['a wipe of no claim', paths.wipe, { pvcUid: '' }, 'pvcUid'],
  ['a version with a patch', paths.compatibility, { version: '6.0.5' }, 'version'],
  ['a keyfile of a name', paths.keyfile, { file: '/etc/shadow' }, 'file'],
  ['a list in place of an object', paths.stepDown, [], '(body)'],
])('%s gets a 400 problem that names it', async (...[, path, body, field]) => {
  const { status, body: answer } = await pod.call(path, body);

  expect(status).toBe(400);
  const { code, errors } = problem.parse(answer);
  expect(code).toBe('BAD_REQUEST');
  expect(errors?.map((error) => error.field)).toEqual([field]);
});

test.each([
  ['what is no JSON', paths.users, '{"password":"hunter2hunter2hunter2', 400, 'BAD_REQUEST'],
  ['too much', paths.users, JSON.stringify({ username: 'x'.repeat(70_000) }), 413, 'BODY_TOO_LARGE'],
  ['an unknown path', '/v1/drop', '{}', 404, 'NOT_FOUND'],
  ['the wrong method', paths.observation, '{}', 405, 'METHOD_NOT_ALLOWED'],
])('%s is refused as a problem that quotes nothing', async (...[, path, body, status, code]) => {
  const reply = await pod.call(path, body);

  expect(reply).toMatchObject({ status, body: { status, code } });
  expect(JSON.stringify(reply.body) + pod.log.join('')).not.toContain('hunter2');
});

test('the wrong method is told the right one', async () => {
  const answer = await answerTo(`POST ${paths.observation} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n`);

  expect(answer).toMatch(/^HTTP\/1.1 405 (.|\r\n)*allow: GET\r\n/i);
});

test('however many connections never begin a handshake, or a request: the operator is served', async () => {
  const strangers = Array.from({ length: 200 }, () =>
    connectPlain(pod.apiPort, '127.0.0.1').on('error', () => undefined),
  );
  await Promise.all(strangers.map((stranger) => once(stranger, 'connect')));

  await expect(pod.call(paths.observation)).resolves.toMatchObject({ status: 200 });
  for (const stranger of strangers) stranger.destroy();
});

test('a client that resumes its TLS session is still known by its certificate', async () => {
  const { session, status: first } = await observeWith({});
  const resumed = await observeWith({ session });

  expect([first, resumed]).toMatchObject([200, { status: 200, isResumed: true }]);
});

test('a renewed certificate is served without a restart', async () => {
  await writeTlsFiles(join(pod.dataDir, '../tls'), pod.authority, await pod.authority.issue('renewed'));

  await eventually(servedName, { holds: (name) => name === 'renewed' });
});

test('probes are plain HTTP: alive at once, ready only with a mongod', async () => {
  const status = async (path: string): Promise<number> => (await fetch(`${pod.probes}${path}`)).status;

  await expect(Promise.all(['/healthz', '/readyz', '/metrics', '/v1/observation'].map(status))).resolves.toEqual([
    200, 503, 200, 404,
  ]);
});

/** What is answered to these bytes, over a connection of its own. */
async function answerTo(sent: string): Promise<string> {
  const operator = await pod.authority.issue(agentContract.clientCommonName);
  const socket: TLSSocket = connect({
    port: pod.apiPort,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: pod.authority.cert,
    ...operator,
  });
  socket.write(sent);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}

async function servedName(): Promise<string> {
  const operator = await pod.authority.issue(agentContract.clientCommonName);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({
    port: pod.apiPort,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: pod.authority.cert,
    ...operator,
  });
  socket.once('error', reject).once('secureConnect', () => {
    resolve(String(socket.getPeerCertificate().subject.CN));
    socket.destroy();
  });
  return promise;
}

/** One request over a connection of its own. */
async function observeWith({
  session,
}: {
  session?: Buffer | undefined;
}): Promise<{ session: Buffer | undefined; status: number; isResumed: boolean }> {
  const operator = await pod.authority.issue(agentContract.clientCommonName);
  const socket = connect({
    port: pod.apiPort,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: pod.authority.cert,
    ...operator,
    session,
  });
  let latest = session;
  let isResumed = false;
  socket.once('secureConnect', () => {
    isResumed = socket.isSessionReused();
  });
  socket.on('session', (next: Buffer) => {
    latest = next;
  });
  socket.write(`GET ${paths.observation} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return { session: latest, status: Number(answer.split(' ')[1]), isResumed };
}
