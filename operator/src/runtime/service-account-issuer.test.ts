import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { auditedRequests, startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { createApiClient } from './client.ts';
import { systemClock } from './clock.ts';
import { FakeClock } from './fake-clock.ts';
import { createServiceAccountIssuer } from './service-account-issuer.ts';
import type { SeenIssuer } from './service-account-issuer.ts';
import { eventually } from './testing/eventually.ts';

let folder: string;
let api: ApiServer;
const signal = AbortSignal.timeout(120_000);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'issuer-'));
  api = await startApiServer({ auditLog: join(folder, 'audit.log') });
  await api.kubectl(['-n', 'default', 'create', 'serviceaccount', 'nobody']);
}, 120_000);

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function issuerBy(kubeconfig: string, more: { readonly clock?: FakeClock; readonly onChange?: () => void } = {}) {
  const client = createApiClient({ userAgent: 'test', kubeconfig });
  const { clock = systemClock, onChange = () => undefined } = more;
  return createServiceAccountIssuer({ client, clock, isNeeded: () => true, onChange });
}

function kidOf(token: string): unknown {
  const [header = ''] = token.split('.');
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { readonly kid?: unknown }).kid;
}

test('the issuer and the key of the token of a ServiceAccount are those that the API server tells', async () => {
  const token = await api.kubectl(['-n', 'default', 'create', 'token', 'nobody']);

  const seen = await issuerBy(api.kubeconfig).current({ signal });

  expect(seen).toMatchObject({ state: 'known', issuer: 'https://kubernetes.default.svc' });
  expect(seen.state === 'known' && seen.keys.map(({ kid }) => kid)).toEqual([kidOf(token)]);
});

test('an account without the right sees that it is forbidden, and is told once it has it', async () => {
  await api.kubectl(['delete', 'clusterrolebinding', 'system:service-account-issuer-discovery']);
  const clock = new FakeClock();
  const changes: SeenIssuer['state'][] = [];
  const onChange = (): void => {
    void issuer.current({ signal }).then(({ state }) => changes.push(state));
  };
  const issuer = issuerBy(await api.kubeconfigOf('default', 'nobody'), { clock, onChange });
  expect(await issuer.current({ signal })).toEqual({ state: 'forbidden', path: '/.well-known/openid-configuration' });
  const stop = new AbortController();
  const running = issuer.run(stop.signal);
  const role = 'system:service-account-issuer-discovery';
  const subject = '--serviceaccount=default:nobody';
  await api.kubectl(['create', 'clusterrolebinding', 'nobody', `--clusterrole=${role}`, subject]);

  await eventually(async () => {
    await clock.advance(60_000);
    expect(changes).toEqual(['known']);
  });

  stop.abort();
  await running;
}, 60_000);

test('an API server that is away takes nothing back, and whoever asks in the meantime sends no request', async () => {
  const clock = new FakeClock();
  const issuer = issuerBy(api.kubeconfig, { clock });
  const known = await issuer.current({ signal });
  const asked = async (): Promise<number> => (await auditedRequests(join(folder, 'audit.log'))).length;
  const before = await asked();
  expect(await issuer.current({ signal })).toEqual(known);
  expect(await asked()).toBe(before);
  const stop = new AbortController();
  const running = issuer.run(stop.signal);
  await api.crash();

  await clock.advance(60_000);

  expect(await issuer.current({ signal })).toEqual(known);
  stop.abort();
  await running;
  await api.restart();
}, 60_000);
