import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { expect, test } from '@jest/globals';
import { createAuthority, inspect, inspectAuthority, issue } from './certificate.ts';
import type { KeyPair } from '../stored/ca.ts';
import { authorityOf } from './testing/authority.ts';
import type { AuthorityKey } from './testing/authority.ts';

const now = Date.now();
const day = 86_400_000;

async function aStack(authority?: KeyPair): Promise<{ ca: KeyPair; agent: KeyPair; operator: KeyPair }> {
  const ca = authority ?? (await createAuthority('auth/shop AuthStack CA', { now, life: 3650 * day }));
  const agent = await issue(ca, {
    commonName: 'authstack-mongodb-agent',
    dnsNames: ['*.shop-mongodb.auth.svc'],
    use: 'server',
    now,
    life: 90 * day,
  });
  const operator = await issue(ca, { commonName: 'authstack-operator', dnsNames: [], use: 'client', now, life: day });
  return { ca, agent, operator };
}

async function handshake(
  { ca, agent, operator }: { ca: KeyPair; agent: KeyPair; operator: KeyPair },
  servername: string,
): Promise<string> {
  const server = createServer({
    cert: agent.certificate,
    key: agent.privateKey,
    ca: ca.certificate,
    requestCert: true,
    rejectUnauthorized: true,
  });
  server.on('secureConnection', (socket: TLSSocket) => socket.end(String(socket.getPeerCertificate().subject.CN)));
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    return await answerOf(
      connect({
        port,
        host: '127.0.0.1',
        servername,
        ca: ca.certificate,
        cert: operator.certificate,
        key: operator.privateKey,
      }),
    );
  } finally {
    server.close();
  }
}

/** What the server says before it ends; a refusal may come as an error or as a bare end. */
async function answerOf(socket: TLSSocket): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  socket.once('error', reject);
  socket.once('data', (data: Buffer) => {
    resolve(data.toString());
  });
  socket.once('close', () => {
    reject(new Error('closed without an answer'));
  });
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

test('agent and operator of one stack know each other, whichever member answers', async () => {
  const parts = await aStack();
  await expect(handshake(parts, 'shop-mongodb-2.shop-mongodb.auth.svc')).resolves.toBe('authstack-operator');
});

test.each<AuthorityKey>(['RSA 3072', 'P-384'])('an authority that somebody brings may be %s', async (key) => {
  const ca = await authorityOf(key, now);
  expect(inspectAuthority(ca)).not.toHaveProperty('why');
  const parts = await aStack(ca);
  await expect(handshake(parts, 'shop-mongodb-0.shop-mongodb.auth.svc')).resolves.toBe('authstack-operator');
});

test.each<[AuthorityKey, string]>([
  ['Ed25519', '(ed25519)'],
  ['RSA 1024', '(rsa, modulusLength 1024'],
])('an authority of %s is named as one that cannot sign', async (key, kind) => {
  expect(inspectAuthority(await authorityOf(key, now))).toEqual({ why: expect.stringContaining(kind) });
});

test('a certificate that is no authority is named as that', async () => {
  const leaf = await issue(await createAuthority('one', { now, life: day }), {
    ...{ commonName: 'x', dnsNames: ['x'], use: 'server', now, life: day },
  });
  expect(inspectAuthority(leaf)).toEqual({ why: 'tls.crt is not a certificate authority' });
});

test("another stack's agent is not believed", async () => {
  await expect(handshake(await aStack(), 'shop-mongodb-0.shop-mongodb.other.svc')).rejects.toThrow('altname');
});

test('a client of another authority is not let in', async () => {
  const parts = await aStack();
  const stranger = await aStack();
  await expect(handshake({ ...parts, operator: stranger.operator }, 'a.shop-mongodb.auth.svc')).rejects.toThrow();
});

test('no certificate outlives the authority that signed it', async () => {
  const ca = await createAuthority('short', { now, life: day });
  const leaf = inspect(await issue(ca, { commonName: 'x', dnsNames: [], use: 'client', now, life: 90 * day }));
  expect('why' in leaf ? 0 : leaf.validToDate.getTime()).toBeLessThanOrEqual(now + day);
});

test('why a pair cannot be used never repeats the key', async () => {
  const [one, other] = [
    await createAuthority('one', { now, life: day }),
    await createAuthority('other', { now, life: day }),
  ];
  expect(inspect({ ...one, certificate: 'x' })).toEqual({ why: 'tls.crt is not a PEM certificate' });
  expect(inspect({ ...one, privateKey: 'secret text' })).toEqual({ why: 'tls.key is not a PEM private key' });
  expect(inspect({ ...one, privateKey: other.privateKey })).toEqual({ why: 'tls.key does not belong to tls.crt' });
});
