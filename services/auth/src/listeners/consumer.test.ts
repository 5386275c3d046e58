import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { systemClock } from '@authstack/http-service/clock';
import { createVerifier, userOf } from '@authstack/verify';
import type { Verifier, VerifierEvent } from '@authstack/verify';
// eslint-disable-next-line @typescript-eslint/no-restricted-imports -- because the consumer is an application of its own
import express from 'express';
import supertest from 'supertest';
import { createAuthority, writeTlsFiles } from '../../../mongodb-agent/src/testing/certificates.ts';
import { authContract, files } from '../api.ts';
import { aCluster, storedSecret } from '../testing/cluster.ts';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { claimsOf, newcomer } from '../testing/visitor.ts';
import { mountSecret, ORIGIN, until } from '../testing/world.ts';
import type { Mount, Pod } from '../testing/world.ts';

/*
 * A service with @authstack/verify before a real pod: what both sides call the listener for services is the same.
 */

const MINUTE = 60_000;
const account = { namespace: 'shop', name: 'orders', uid: 'uid-1' };
const cluster = aCluster('ES256');
let stack: TestStack;
let pod: Pod;
let ca: string;
const made = new AsyncDisposableStack();

beforeAll(async () => {
  const authority = await createAuthority();
  ca = authority.cert;
  const tls = made.use(await mountSecret({}));
  await writeTlsFiles(tls.directory, authority, await authority.issue('shop-auth'));
  const clients = [
    { id: 'shop/orders', audience: 'shop', serviceAccount: account },
    { id: 'shop/tickets', audience: 'shop', secrets: [storedSecret('tickets:1+1%')] },
  ];
  const document = { version: 1, cluster: { issuer: cluster.issuer, keys: cluster.jwks() }, clients };
  const mounted = made.use(await mountSecret({ [files.clients]: JSON.stringify(document) }));
  stack = made.use(
    await startStack({
      environment: {
        AUTHSTACK_OPERATOR_TLS_DIR: tls.directory,
        AUTHSTACK_OPERATOR_PORT: '0',
        AUTHSTACK_CLIENTS_FILE: join(mounted.directory, files.clients),
        AUTHSTACK_SERVICE_PORT: '0',
      },
    }),
  );
  [pod] = stack.pods;
}, 60_000);
afterAll(() => made.disposeAsync());

interface Consumer extends AsyncDisposable {
  readonly verifier: Verifier;
  readonly events: readonly VerifierEvent[];
  readonly mount: Mount;
  ask(cookie: string): Promise<supertest.Response>;
}

/** What the operator gives a consumer; `own`: what shows who it is. */
async function aConsumer(own: Readonly<Record<string, string>>): Promise<Consumer> {
  const jwks = await (await fetch(`${pod.url}${authContract.jwksPath}`)).text();
  const mount = await mountSecret({
    ...{ 'jwks.json': jwks, issuer: ORIGIN, origin: ORIGIN, audience: 'shop', 'ca.crt': ca },
    'cookie-names': JSON.stringify({ token: 'token', session: 'session' }),
    'auth-url': `https://localhost:${pod.service.ports.services}`,
    ...own,
  });
  const events: VerifierEvent[] = [];
  const clock = { ...systemClock, now: () => pod.clock.now() };
  const verifier = createVerifier({ directory: mount.directory, clock, report: (event) => events.push(event) });
  const app = express().get('/orders', verifier.requireUser(), (request, response) => {
    response.json({ user: userOf(request).id });
  });
  return {
    verifier,
    events,
    mount,
    ask: async (cookie) => supertest(app).get('/orders').set('cookie', cookie),
    async [Symbol.asyncDispose]() {
      void verifier.close();
      await mount[Symbol.asyncDispose]();
    },
  };
}

/** The access token has expired for the pod and the consumer, whose clock is the same; the session has not. */
function halfAnHourPasses(): void {
  pod.clock.advance(31 * MINUTE);
}

const credentials = {
  'a client secret': () => ({ 'client-id': 'shop/tickets', 'client-secret': 'tickets:1+1%' }),
  'a token of its ServiceAccount': () => ({
    'client-id': 'shop/orders',
    token: cluster.token({ ...account, audience: ORIGIN, now: pod.clock.now() }),
  }),
};

test.each(Object.entries(credentials))(
  'a consumer that shows %s renews an expired token within the request',
  async (_how, own) => {
    const visitor = await newcomer(pod);
    await using consumer = await aConsumer(own());
    const cookie = `token=${visitor.token}; session=${visitor.session ?? ''}`;
    expect((await consumer.ask(cookie)).status).toBe(200);

    halfAnHourPasses();

    const answer = await consumer.ask(cookie);
    expect([answer.status, answer.body]).toEqual([200, { user: claimsOf(visitor.token)['sub'] }]);
    const [line = '', ...others] = (answer.headers as Record<string, unknown>)['set-cookie'] as string[];
    expect(others).toEqual([]);
    expect(line).toMatch(/^token=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax$/);
    // The browser moves its session on as before.
    expect((await visitor.refresh(pod)).status).toBe(200);
  },
);

test('a consumer that is refused says why, and its visitors are not signed out', async () => {
  const visitor = await newcomer(pod);
  await using consumer = await aConsumer({ 'client-id': 'shop/tickets', 'client-secret': 'of-last-year' });
  halfAnHourPasses();
  const answer = await consumer.ask(`token=${visitor.token}; session=${visitor.session ?? ''}`);
  expect([answer.status, answer.headers['set-cookie']]).toEqual([503, undefined]);
  expect(consumer.events).toContainEqual(
    expect.objectContaining({ type: 'clientRefused', reason: expect.stringContaining('client secret') as unknown }),
  );
});

test('a consumer reads the feed and acknowledges its keys', async () => {
  const { 'a client secret': own } = credentials;
  await using consumer = await aConsumer(own());
  const acknowledged = async (): Promise<string> => (await pod.probe(authContract.metricsPath)).text;
  await until(
    async () => /acknowledgements_total\{outcome="stored"\} [1-9]/.test(await acknowledged()),
    'the keys are acknowledged',
  );
  expect(consumer.verifier.status.state).toBe('ready');
});
