import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { feedApi } from '@authstack/verify/feed-api';
import { mongo } from 'mongoose';
import { z } from 'zod';
import { createAuthority, writeTlsFiles } from '../../../mongodb-agent/src/testing/certificates.ts';
import type { Authority, KeyPair } from '../../../mongodb-agent/src/testing/certificates.ts';
import { authContract, files, verifiersReport } from '../api.ts';
import type { ClientsDocument } from '../api.ts';
import { GRACE } from '../sessions/chain.ts';
import { aCluster, basic, storedSecret } from '../testing/cluster.ts';
import { expectDocumented } from '../testing/documented.ts';
import { readEvents } from '../testing/event-reader.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { claimsOf, headerOf, newcomer, send, Visitor } from '../testing/visitor.ts';
import { mountSecret, ORIGIN, PASSWORD, startPod, startReadyPod, until } from '../testing/world.ts';
import type { Mount, Pod } from '../testing/world.ts';

type Headers = Readonly<Record<string, string>>;

const account = { namespace: 'shop', name: 'orders', uid: 'uid-1' };
const cluster = aCluster();
const clients: ClientsDocument['clients'] = [
  { id: 'shop/orders', audience: 'shop', serviceAccount: account },
  { id: 'shop/tickets', audience: 'shop', secrets: [storedSecret('tickets-secret')] },
  { id: 'shop/stock', audience: 'warehouse', secrets: [storedSecret('stock-secret')] },
];
const tickets = { authorization: basic('shop/tickets', 'tickets-secret') };
const stock = { authorization: basic('shop/stock', 'stock-secret') };

let authority: Authority;
let operator: KeyPair;
let tls: Mount;
let mounted: Mount;
let stack: TestStack;
let pod: Pod;
let document: unknown;
let version = 1;
const made = new AsyncDisposableStack();

beforeAll(async () => {
  authority = await createAuthority();
  operator = await authority.issue(authContract.operatorCommonName);
  tls = made.use(await mountSecret({}));
  await writeTlsFiles(tls.directory, authority, await authority.issue('shop-auth'));
  mounted = made.use(await mountSecret({ [files.clients]: JSON.stringify(documentOf(clients)) }));
  stack = made.use(await startStack({ environment: serving() }));
  [pod] = stack.pods;
  document = (await ask('GET /openapi.json')).body;
}, 60_000);
afterAll(() => made.disposeAsync());

function documentOf(known: ClientsDocument['clients']): ClientsDocument {
  return { version, cluster: { issuer: cluster.issuer, keys: [...cluster.jwks()] }, clients: known };
}

function serving(): Record<string, string> {
  return {
    AUTHSTACK_OPERATOR_TLS_DIR: tls.directory,
    AUTHSTACK_OPERATOR_PORT: '0',
    AUTHSTACK_CLIENTS_FILE: join(mounted.directory, files.clients),
    AUTHSTACK_SERVICE_PORT: '0',
    HOSTNAME: 'shop-auth-1',
  };
}

function orders(): Headers {
  const token = cluster.token({ ...account, audience: ORIGIN, now: Date.now() });
  return { authorization: `Bearer ${token}`, [authContract.clientIdHeader]: 'shop/orders' };
}

interface Asked {
  readonly headers?: Headers;
  readonly body?: unknown;
  readonly at?: Pod;
  readonly ca?: string;
  readonly client?: KeyPair;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: unknown;
}

/** On the listener for services; with a certificate of a client, on the operator's. */
function ask(what: string, { headers = {}, body, at = pod, ca = authority.cert, client }: Asked = {}): Promise<Answer> {
  const [method = '', path = ''] = what.split(' ');
  const { services, operator: operatorPort } = at.service.ports;
  const text = body === undefined ? undefined : JSON.stringify(body);
  return new Promise<Answer>((resolve, reject) => {
    request({
      ...{ method, path, host: '127.0.0.1', port: client ? operatorPort : services, servername: 'localhost' },
      ...{ ca, agent: false, ...client },
      headers: { ...headers, ...(text !== undefined && { 'content-type': 'application/json' }) },
    })
      .on('error', reject)
      .on('response', (answer) => {
        let got = '';
        answer.on('data', (chunk) => (got += String(chunk)));
        answer.on('end', () => {
          const isJson = answer.headers['content-type']?.includes('json') === true;
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers as Answer['headers'],
            body: isJson ? (JSON.parse(got) as unknown) : got,
          });
        });
      })
      .end(text);
  });
}

async function renew(session: string | undefined, { headers = tickets, at = pod }: Asked = {}): Promise<Answer> {
  const [method, path] = ['POST', authContract.refreshPath];
  const sent = { session_token: session };
  const answer = await ask(`${method} ${path}`, { headers, at, body: sent });
  await expectDocumented({ url: '', method, path, sent, sentHeaders: headers, answer }, document);
  return answer;
}

async function tells(known: ClientsDocument['clients']): Promise<void> {
  version += 1;
  const answer = await ask(`POST ${authContract.reloadClientsPath}`, { client: operator, body: documentOf(known) });
  expect(answer).toMatchObject({ status: 200, body: { pod: 'shop-auth-1', version } });
}

const renewed = z.strictObject({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.literal(1_800),
  session_expires_in: z.int().min(2_591_000).max(2_592_000),
});

test('a connection is kept for longer than it takes a verifier to acknowledge again, and then once more', async () => {
  const headers = { ...tickets, connection: 'keep-alive' };
  const body = { instance: 'not-well-formed', kids: [] };
  const answer = await ask(`POST ${authContract.acknowledgePath}`, { headers, body });
  const [, seconds] = /^timeout=(\d+)$/.exec(answer.headers['keep-alive'] ?? '') ?? [];
  expect(Number(seconds) * 1_000).toBeGreaterThan(2 * feedApi.acknowledgeEvery);
});

test.each([
  ['a ServiceAccount', orders],
  ['a client secret', () => tickets],
])(
  "a client with %s has its caller's token renewed, and the session's own tokens stay as they are",
  async (_how, headers) => {
    const visitor = await newcomer(pod);
    const { session, token } = visitor;

    const { status, headers: got, body } = await renew(session, { headers: headers() });

    expect([status, got['cache-control'], got['set-cookie']]).toEqual([200, 'no-store', undefined]);
    const fresh = renewed.parse(body).access_token;
    const { sid, sub, jti } = claimsOf(token);
    expect(headerOf(fresh)).toMatchObject({ typ: 'at+jwt', kid: 'k1' });
    expect(claimsOf(fresh)).toMatchObject({ sid, sub, aud: 'shop' });
    expect(claimsOf(fresh)['jti']).not.toBe(jti);
    const authorization = `Bearer ${fresh}`;
    await expect(send(pod, 'GET /api/users/currentuser', { headers: { authorization } })).resolves.toMatchObject({
      body: { currentUser: { email: visitor.email } },
    });
    // However often: only the browser moves the session on.
    expect((await renew(session)).status).toBe(200);
    expect((await visitor.refresh(pod)).status).toBe(200);
    expect(visitor.session).not.toBe(session);
    expect((await renew(visitor.session)).status).toBe(200);
  },
);

test.each([
  ['no session', 'A'.repeat(64), 'SESSION_INVALID'],
  ['no session token', 'nothing', 'SESSION_INVALID'],
])('%s is refused with 403, for a 401 is about the client', async (_what, session, code) => {
  await expect(renew(session)).resolves.toMatchObject({ status: 403, body: { code } });
});

test("the session of a client that is no browser is nobody's to renew but its own", async () => {
  const visitor = await newcomer(pod);
  const signedIn = await send(pod, 'POST /api/users/signin', {
    headers: { 'Authstack-Delivery': 'body' },
    body: { email: visitor.email, password: PASSWORD },
  });
  const { session_token: session } = signedIn.body as { session_token: string };
  await expect(renew(session)).resolves.toMatchObject({ status: 403, body: { code: 'SESSION_INVALID' } });
});

test('a session token that was replaced long ago was copied: it ends the session', async () => {
  const visitor = await newcomer(pod);
  const { session: old } = visitor;
  await visitor.refresh(pod);
  await visitor.refresh(pod);
  expect((await renew(old)).status).toBe(200);
  await stack.timePasses(GRACE + 1_000);
  await expect(renew(old)).resolves.toMatchObject({ status: 403, body: { code: 'SESSION_REUSED' } });
  await expect(renew(visitor.session)).resolves.toMatchObject({ status: 403, body: { code: 'SESSION_INVALID' } });
});

test.each([
  ['a sign-out', (visitor: Visitor) => visitor.copy().on(pod, 'POST /api/users/signout')],
  ['a sign-out everywhere', (visitor: Visitor) => visitor.copy().on(pod, 'POST /api/users/signout?everywhere=true')],
  ['a ban', (visitor: Visitor) => setUser(visitor, { banned: true })],
  ['being disabled', (visitor: Visitor) => setUser(visitor, { disabled: true })],
] as const)('after %s nothing is renewed', async (_what, end) => {
  const visitor = await newcomer(pod);
  const { session } = visitor;
  expect((await renew(session)).status).toBe(200);
  await end(visitor);
  await expect(renew(session)).resolves.toMatchObject({ status: 403, body: { code: 'SESSION_INVALID' } });
});

async function setUser({ email }: Visitor, fields: object): Promise<void> {
  const driver = await new mongo.MongoClient(stack.database.uri).connect();
  const users = driver.db(authContract.defaultDatabase).collection(authContract.usersCollection);
  expect(await users.updateOne({ email }, { $set: fields })).toMatchObject({ modifiedCount: 1 });
  await driver.close();
}

test("a client whose audience is none of the stack's is told so", async () => {
  const { session } = await newcomer(pod);
  const answer = await renew(session, { headers: stock });
  expect(answer).toMatchObject({ status: 403, body: { code: 'AUDIENCE_REFUSED' } });
  expect(JSON.stringify(answer.body)).toContain('warehouse');
});

test('where only browsers renew their tokens, no client does', async () => {
  const { session } = await newcomer(pod);
  await using off = await startReadyPod(stack.mounts, { ...serving(), AUTHSTACK_INLINE_REFRESH: 'false' });
  await expect(renew(session, { at: off })).resolves.toMatchObject({
    status: 403,
    body: { code: 'INLINE_REFRESH_OFF' },
  });
});

test('a flood of invented sessions from one client refuses neither its own nor those of others', async () => {
  const visitors = [await newcomer(pod), await newcomer(pod)];
  const flood = Array.from({ length: 300 }, (_, index) => renew(`${index}`.padStart(64, 'x'), { headers: tickets }));
  const own = await renew(visitors[0]?.session, { headers: tickets });
  const others = await renew(visitors[1]?.session, { headers: orders() });
  expect([own.status, others.status]).toEqual([200, 200]);
  expect(new Set((await Promise.all(flood)).map(({ status }) => status))).toEqual(new Set([403]));
});

test('whoever is no client is refused by every operation, also a browser with its session and a bearer', async () => {
  const visitor = await newcomer(pod);
  const { paths } = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) }).parse(document);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(operations.toSorted()).toEqual(
    [
      `GET ${authContract.eventsPath}`,
      'GET /openapi.json',
      `POST ${authContract.acknowledgePath}`,
      `POST ${authContract.goodbyePath}`,
      `POST ${authContract.refreshPath}`,
    ].toSorted(),
  );
  for (const operation of operations) {
    if (operation === 'GET /openapi.json') continue;
    for (const headers of [
      {},
      { cookie: `session=${visitor.session ?? ''}; token=${visitor.token}`, origin: ORIGIN },
      { authorization: `Bearer ${visitor.token}`, [authContract.clientIdHeader]: 'shop/orders' },
      { ...tickets, authorization: basic('shop/tickets', 'guess') },
    ]) {
      const body = operation.startsWith('POST') ? { session_token: visitor.session } : undefined;
      const answer = await ask(operation, { headers, body });
      expect([operation, answer.status, answer.headers['www-authenticate']]).toEqual([
        ...[operation, 401],
        'Bearer, Basic realm="authstack"',
      ]);
      expect(answer.body).toMatchObject({ code: 'INVALID_CLIENT' });
    }
  }
});

test('a client that is withdrawn is refused at the next request, and its stream of events ends', async () => {
  const { session } = await newcomer(pod);
  const url = `https://localhost:${pod.service.ports.services}${authContract.eventsPath}`;
  await using stream = await readEvents(url, { ca: authority.cert, headers: tickets });
  await using other = await readEvents(url, { ca: authority.cert, headers: orders() });
  await until(() => stream.events[0]?.type === feedApi.events.snapshot, 'the snapshot has come');
  expect(stream.headers['content-type']).toContain('text/event-stream');

  await tells(clients.filter(({ id }) => id !== 'shop/tickets'));

  const answer = await renew(session);
  expect(answer).toMatchObject({ status: 401, body: { code: 'INVALID_CLIENT' } });
  expect(JSON.stringify(answer.body)).toContain('kubectl -n shop describe authconsumer tickets');
  await until(() => stream.ended === 'broken', 'its stream has ended');
  await other.next(feedApi.events.heartbeat);
  expect((await readEvents(url, { ca: authority.cert, headers: tickets })).status).toBe(401);
  await tells(clients);
  expect((await renew(session)).status).toBe(200);
});

test('a verifier acknowledges keys under the client that it is, and the operator reads it', async () => {
  const what = `POST ${authContract.acknowledgePath}`;
  const body = { instance: 'instance-1', name: 'orders-0', kids: ['k1', 'k2'] };
  await expect(ask(what, { headers: orders(), body })).resolves.toMatchObject({ status: 204 });
  const of = { ...tickets, [authContract.clientIdHeader]: 'shop/orders' };
  await expect(ask(what, { headers: of, body })).resolves.toMatchObject({
    status: 403,
    body: { code: 'NOT_THAT_CLIENT' },
  });

  const report = await ask(`GET ${authContract.verifiersPath}`, { client: operator });
  expect(verifiersReport.parse(report.body).verifiers).toMatchObject([
    { client: 'shop/orders', instance: 'instance-1', name: 'orders-0', kids: ['k1', 'k2'] },
  ]);
});

test('a verifier says goodbye under the client that it is', async () => {
  const said = { instance: 'instance-of-stock', name: 'stock-0', kids: ['k1'] };
  await ask(`POST ${authContract.acknowledgePath}`, { headers: stock, body: said });
  const what = `POST ${authContract.goodbyePath}`;
  const body = { instance: said.instance };
  const ofStock = async () => {
    const report = verifiersReport.parse((await ask(`GET ${authContract.verifiersPath}`, { client: operator })).body);
    const [known, left] = [report.verifiers, report.left].map((all) =>
      all.filter(({ client }) => client === 'shop/stock'),
    );
    return [known?.length, left?.length];
  };

  const of = { ...tickets, [authContract.clientIdHeader]: 'shop/stock' };
  await expect(ask(what, { headers: of, body })).resolves.toMatchObject({ status: 403 });
  await expect(ask(what, { headers: tickets, body })).resolves.toMatchObject({ status: 204 });
  await expect(ask(what, { headers: {}, body })).resolves.toMatchObject({ status: 401 });
  expect(await ofStock()).toEqual([1, 0]);

  await expect(ask(what, { headers: stock, body })).resolves.toMatchObject({ status: 204 });
  expect(await ofStock()).toEqual([0, 1]);
});

test('the document of the listener is for everybody who reaches it, and says how a client shows who it is', () => {
  expect(document).toMatchObject({
    components: { securitySchemes: { clientSecret: { scheme: 'basic' }, serviceAccount: { scheme: 'bearer' } } },
  });
});

test('nothing of another listener is served there', async () => {
  for (const path of ['/.well-known/jwks.json', '/api/users/currentuser', '/status', '/ops/clients', '/']) {
    await expect(ask(`GET ${path}`)).resolves.toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  }
});

test('only its own authority is believed, and a header of many kilobytes is not read', async () => {
  await expect(ask('GET /openapi.json', { ca: (await createAuthority()).cert })).rejects.toThrow('certificate');
  const headers = { authorization: `Bearer ${'a'.repeat(60_000)}` };
  await expect(ask('GET /openapi.json', { headers })).resolves.toMatchObject({ status: 431 });
});

test('no credential and no session is in the log', () => {
  const log = pod.log.join('');
  expect(log).toContain('client-refused');
  expect(log).not.toMatch(/tickets-secret|Bearer ey|session_token|Basic [A-Za-z0-9]{8}/);
});

test.each(['AUTHSTACK_OPERATOR_TLS_DIR', 'AUTHSTACK_CLIENTS_FILE'])(
  'without %s, as an older operator has it, there is no such listener and no error',
  async (variable) => {
    const { [variable]: _, ...rest } = serving();
    await using older = await startPod(stack.mounts, rest);
    expect(older.service.ports.services).toBeUndefined();
    expect((await older.probe('/healthz')).status).toBe(200);
  },
);
