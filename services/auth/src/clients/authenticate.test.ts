import { createHmac } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { authContract } from '../api.ts';
import type { ClientsDocument } from '../api.ts';
import { NotReady } from '../errors.ts';
import { forgetful } from '../told/memory.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { aCluster, basic, encoded, storedSecret } from '../testing/cluster.ts';
import type { TestCluster, TokenClaims } from '../testing/cluster.ts';
import { clientAuthentication } from './authenticate.ts';
import { LoadedClients } from './loaded-clients.ts';

const ISSUER = 'https://shop.example.com';
const NOW = Date.parse('2026-11-27T12:00:00Z');
const SKEW = 60_000;
const account = { namespace: 'shop', name: 'orders', uid: 'uid-1' };

interface Shown {
  readonly authorization?: string;
  readonly id?: string;
}

/** A pod that lets in shop/orders by its ServiceAccount and shop/tickets by secrets. */
function aPod({ cluster = aCluster(), cut = false }: { cluster?: TestCluster; cut?: boolean } = {}) {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const metrics = createMetrics();
  const loaded = new LoadedClients({ podName: 'shop-auth-1', log: pino({ level: 'silent' }), memory: forgetful() });
  let now = NOW;
  let version = 0;
  const both: ClientsDocument['clients'] = [
    { id: 'shop/orders', audience: 'shop', serviceAccount: account },
    {
      id: 'shop/tickets',
      audience: 'shop',
      secrets: [storedSecret('old: 1+1%', '2026-11-27T13:00:00Z'), storedSecret('new')],
    },
  ];
  const authenticate = clientAuthentication({
    clients: loaded.current,
    settings: { issuer: ISSUER, clockSkew: SKEW },
    clock: { now: () => now },
    log,
    metrics,
  });
  const pod = {
    lines,
    cluster,
    tells(clients: ClientsDocument['clients'] = both) {
      version += 1;
      const known = { issuer: cluster.issuer, keys: [...cluster.jwks()] };
      loaded.reload({ version, clients, ...(!cut && { cluster: known }) });
    },
    at(time: number) {
      now = time;
    },
    token(change: Partial<TokenClaims> = {}, header = {}) {
      return cluster.token({ ...account, audience: ISSUER, now: NOW, ...change }, header);
    },
    /** The id of the client, or why there is none. */
    async asks({ authorization, id }: Shown): Promise<string> {
      const headers = {
        ...(authorization !== undefined && { authorization }),
        ...(id !== undefined && { [authContract.clientIdHeader]: id }),
      };
      return authenticate({ headers, socket: { remoteAddress: '10.1.2.3' } }).then(
        (client) => client.id,
        (error: unknown) => {
          const { reason, message } = error as { reason?: string; message: string };
          return `${String(reason)}: ${message}`;
        },
      );
    },
    shows: (token: string, id = 'shop/orders') => pod.asks({ authorization: `Bearer ${token}`, id }),
    async refused(reason: string): Promise<number> {
      const { values } = await metrics.clientsRefused.get();
      return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
    },
  };
  pod.tells();
  return pod;
}

test.each(['RS256', 'ES256'] as const)(
  'a projected token of the ServiceAccount that a client names, %s',
  async (algorithm) => {
    const pod = aPod({ cluster: aCluster(algorithm) });
    expect(await pod.shows(pod.token())).toBe('shop/orders');
    expect(await pod.shows(pod.token({ audience: ['https://kubernetes.default.svc', ISSUER] }))).toBe('shop/orders');
    expect(pod.lines).toEqual([]);
  },
);

test.each([
  {
    what: 'for another audience',
    change: { audience: 'https://kubernetes' },
    reason: 'token_audience',
    seen: 'https://kubernetes',
  },
  {
    what: 'of another issuer',
    change: { issuer: 'https://elsewhere' },
    reason: 'token_issuer',
    seen: 'https://elsewhere',
  },
  {
    what: 'of a namesake in another namespace',
    change: { namespace: 'evil' },
    reason: 'service_account',
    seen: 'evil/orders',
  },
  { what: 'of another ServiceAccount', change: { name: 'default' }, reason: 'service_account', seen: 'shop/default' },
  {
    what: 'of a ServiceAccount that was made anew',
    change: { uid: 'uid-0' },
    reason: 'service_account_made_anew',
    seen: 'uid-0',
  },
  {
    what: 'that has expired',
    change: { now: NOW - 3_600_000 - SKEW },
    reason: 'token_expired',
    seen: '2026-11-27T11:59:00.000Z',
  },
  {
    what: 'that is from tomorrow',
    change: { now: NOW + SKEW + 1_000 },
    reason: 'token_not_yet_valid',
    seen: '2026-11-27T12:01:01.000Z',
  },
] as const)('a token $what is refused, with what was seen', async ({ change, reason, seen }) => {
  const pod = aPod();
  const answer = await pod.shows(pod.token(change));
  expect(answer).toMatch(new RegExp(`^${reason}: .*`));
  expect(answer).toContain(seen);
  expect(await pod.refused(reason)).toBe(1);
});

test('times count but for the clock skew', async () => {
  const pod = aPod();
  expect(await pod.shows(pod.token({ now: NOW - 3_600_000 - SKEW + 1_000 }))).toBe('shop/orders');
  expect(await pod.shows(pod.token({ now: NOW + SKEW }))).toBe('shop/orders');
});

test("a token of the cluster's old key is refused once that is gone, one of the new key accepted once it is told", async () => {
  const pod = aPod();
  const old = pod.token();
  pod.cluster.rotate();
  expect(await pod.shows(pod.token())).toMatch(/^token_key: .*none of the 1 keys/);

  pod.tells();
  expect(await pod.shows(pod.token())).toBe('shop/orders');
  expect(await pod.shows(old)).toBe('shop/orders');

  pod.cluster.dropOldKeys();
  pod.tells();
  expect(await pod.shows(pod.token())).toBe('shop/orders');
  expect(await pod.shows(old)).toMatch(/^token_key: /);
});

test('no token chooses its own algorithm or brings its own key', async () => {
  const pod = aPod();
  const [jwk] = pod.cluster.jwks();
  const [header = '', claims = ''] = pod.token().split('.');
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string };
  const unsigned = encoded({ alg: 'none', kid });
  const symmetric = `${encoded({ alg: 'HS256', kid })}.${claims}`;
  const hmac = createHmac('sha256', JSON.stringify(jwk)).update(symmetric).digest('base64url');

  for (const token of [
    `${unsigned}.${claims}.`,
    `${unsigned}.${claims}.AA`,
    `${symmetric}.${hmac}`,
    pod.token({}, { alg: 'ES256' }),
    pod.token({}, { jwk }),
    pod.token({}, { crit: ['exp'] }),
    pod.token({}, { typ: 'at+jwt' }),
    aCluster().token({ ...account, audience: ISSUER, now: NOW }, { kid }),
    `${pod.token()}A`,
    'token',
  ]) {
    expect(await pod.shows(token)).toMatch(/^(token_malformed|token_signature): /);
  }
});

test('what a token says is told only once its signature holds, and no part of a credential ever', async () => {
  const pod = aPod();
  const forged = aCluster().token({ ...account, namespace: 'evil', audience: ISSUER, now: NOW });
  const answers = [
    await pod.shows(forged),
    await pod.asks({ authorization: basic('shop/tickets', 'guess-what') }),
    await pod.asks({ authorization: 'Bearer a-secret-that-is-none', id: 'shop/orders' }),
    await pod.asks({ authorization: 'Negotiate a-secret-that-is-none' }),
    await pod.asks({ authorization: basic('My Pass Word', 'guess-what') }),
  ];
  const told = [...answers, ...pod.lines].join('\n');
  expect(told).not.toMatch(/evil|guess-what|a-secret|Pass Word/);
  for (const part of forged.split('.')) expect(told).not.toContain(part);
});

test('both client secrets count while one takes the place of the other, each until its end', async () => {
  const pod = aPod();
  const [old, fresh] = [basic('shop/tickets', 'old: 1+1%'), basic('shop/tickets', 'new')];
  expect(await pod.asks({ authorization: old })).toBe('shop/tickets');
  expect(await pod.asks({ authorization: fresh })).toBe('shop/tickets');
  expect(await pod.asks({ authorization: basic('shop/tickets', 'neither') })).toMatch(/^wrong_secret: /);

  pod.at(Date.parse('2026-11-27T13:00:00Z'));
  expect(await pod.asks({ authorization: old })).toMatch(/^expired_secret: /);
  expect(await pod.asks({ authorization: fresh })).toBe('shop/tickets');
});

test('a client that is withdrawn is refused at the next request', async () => {
  const pod = aPod();
  const token = pod.token();
  expect(await pod.shows(token)).toBe('shop/orders');
  pod.tells([]);
  expect(await pod.shows(token)).toMatch(/^unknown_client: .*kubectl -n shop describe authconsumer orders/);
});

test.each([
  ['nothing', {}, 'no_credentials'],
  ['a token without a client id', { authorization: 'Bearer abc' }, 'malformed_credentials'],
  [
    'a client id that is none',
    { authorization: 'Bearer abc', id: 'shop/orders, shop/tickets' },
    'malformed_credentials',
  ],
  ['two tokens', { authorization: 'Bearer abc def', id: 'shop/orders' }, 'malformed_credentials'],
  ['no base64', { authorization: 'Basic shop:tickets' }, 'malformed_credentials'],
  ['no colon', { authorization: `Basic ${btoa('shop/tickets')}` }, 'malformed_credentials'],
  ['an encoding that is none', { authorization: `Basic ${btoa('shop%2:new')}` }, 'malformed_credentials'],
  ['a client that nobody knows', { authorization: basic('shop/stranger', 'new') }, 'unknown_client'],
  ['a secret of a client with a ServiceAccount', { authorization: basic('shop/orders', 'new') }, 'secret_not_accepted'],
  ['a token of a client with secrets', { authorization: 'Bearer abc', id: 'shop/tickets' }, 'token_not_accepted'],
  ['a huge token', { authorization: `Bearer ${'a.b.'.repeat(3_000)}c`, id: 'shop/orders' }, 'token_malformed'],
] as const)('%s is refused', async (_what, shown, reason) => {
  const pod = aPod();
  expect(await pod.asks(shown)).toMatch(new RegExp(`^${reason}: `));
  expect(await pod.refused(reason)).toBe(1);
});

test("without the cluster's keys no token counts, and the answer says which right is missing", async () => {
  const pod = aPod({ cut: true });
  expect(await pod.shows(pod.token())).toMatch(/^cluster_unknown: .*\/openid\/v1\/jwks/);
});

test('as long as no clients are loaded nobody is told to be none', async () => {
  const authenticate = clientAuthentication({
    clients: () => undefined,
    settings: { issuer: ISSUER, clockSkew: SKEW },
    clock: { now: () => NOW },
    log: pino({ level: 'silent' }),
    metrics: createMetrics(),
  });
  const headers = { authorization: basic('shop/tickets', 'new') };
  await expect(authenticate({ headers, socket: {} })).rejects.toThrow(NotReady);
});

test('of one client and reason one line is logged a minute, whatever is invented', async () => {
  const pod = aPod();
  for (let round = 0; round < 5; round += 1) {
    await pod.asks({ authorization: basic('shop/tickets', `guess ${round}`) });
    await pod.asks({ authorization: basic(`shop/invented-${round}`, 'guess') });
  }
  const events = pod.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events).toMatchObject([
    { audit: 'client-refused', reason: 'wrong_secret', client: 'shop/tickets', from: '10.1.2.3' },
    { audit: 'client-refused', reason: 'unknown_client', client: 'unknown' },
  ]);
  expect(await pod.refused('wrong_secret')).toBe(5);
});
