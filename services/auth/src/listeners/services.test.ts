import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createAuthority, writeTlsFiles } from '../../../mongodb-agent/src/testing/certificates.ts';
import type { Authority } from '../../../mongodb-agent/src/testing/certificates.ts';
import { files } from '../api.ts';
import { mountSecret, ringKey, someSecrets, startPod } from '../testing/world.ts';
import type { Mount, Pod } from '../testing/world.ts';

let authority: Authority;
let tls: Mount;
let clients: Mount;
let mounts: Parameters<typeof startPod>[0];
let pod: Pod;
const made = new AsyncDisposableStack();

beforeAll(async () => {
  authority = await createAuthority();
  const mount = async (content: Record<string, string>): Promise<Mount> => made.use(await mountSecret(content));
  tls = await mount({});
  await writeTlsFiles(tls.directory, authority, await authority.issue('shop-auth'));
  clients = await mount({ [files.clients]: JSON.stringify({ version: 1, clients: [] }) });
  mounts = {
    keys: await mount({ 'ring.json': JSON.stringify({ keys: [ringKey('k1', 'active')] }) }),
    secrets: await mount({ 'secrets.json': someSecrets() }),
    mongodb: await mount({}),
  };
  pod = made.use(await startPod(mounts, serving()));
});
afterAll(() => made.disposeAsync());

function serving(): Record<string, string> {
  return {
    AUTHSTACK_OPERATOR_TLS_DIR: tls.directory,
    AUTHSTACK_OPERATOR_PORT: '0',
    AUTHSTACK_CLIENTS_FILE: join(clients.directory, files.clients),
    AUTHSTACK_SERVICE_PORT: '0',
  };
}

test('the document of the listener is for everybody who reaches it, and says how a client shows who it is', async () => {
  const { status, body } = await call('/openapi.json');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    components: { securitySchemes: { clientSecret: { scheme: 'basic' }, serviceAccount: { scheme: 'bearer' } } },
  });
});

test('nothing of another listener is served there', async () => {
  for (const path of ['/.well-known/jwks.json', '/api/users/currentuser', '/status', '/ops/clients', '/']) {
    await expect(call(path)).resolves.toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
  }
});

test('only its own authority is believed, and a header as long as a megabyte is not read', async () => {
  await expect(call('/openapi.json', { ca: (await createAuthority()).cert })).rejects.toThrow('certificate');
  await expect(
    call('/openapi.json', { headers: { authorization: `Bearer ${'a'.repeat(60_000)}` } }),
  ).resolves.toMatchObject({ status: 431 });
});

test.each(['AUTHSTACK_OPERATOR_TLS_DIR', 'AUTHSTACK_CLIENTS_FILE'])(
  'without %s, as an older operator has it, there is no such listener and no error',
  async (variable) => {
    const { [variable]: _, ...rest } = serving();
    await using older = await startPod(mounts, rest);
    expect(older.service.ports.services).toBeUndefined();
    expect((await older.probe('/healthz')).status).toBe(200);
  },
);

function call(
  path: string,
  { ca = authority.cert, headers = {} }: { ca?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const { services: port } = pod.service.ports;
    request({ path, headers, host: '127.0.0.1', port, servername: 'localhost', ca, agent: false })
      .on('error', reject)
      .on('response', (answer) => {
        let text = '';
        answer.on('data', (chunk) => (text += String(chunk)));
        answer.on('end', () => {
          resolve({ status: answer.statusCode ?? 0, body: text === '' ? undefined : (JSON.parse(text) as unknown) });
        });
      })
      .end();
  });
}
