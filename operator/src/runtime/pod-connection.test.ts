import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { expect, test } from '@jest/globals';
import { createAuthority } from '../../../services/mongodb-agent/src/testing/certificates.ts';
import { silentAddress } from '../../../packages/verify/src/testing/silent-address.ts';
import { CONNECTS_WITHIN, connectSecurely } from './pod-connection.ts';
import type { PodTls } from './pod-connection.ts';

interface Target {
  readonly host: string;
  readonly port: number;
  readonly tls: PodTls;
}

type Busy = Target & AsyncDisposable;

async function identities(): Promise<{ readonly pod: { cert: string; key: string }; readonly tls: PodTls }> {
  const authority = await createAuthority();
  const [pod, operator] = await Promise.all([authority.issue('localhost'), authority.issue('operator')]);
  return { pod, tls: { ...operator, ca: authority.cert, servername: 'localhost' } };
}

/** Its node accepts at once; its process begins with the handshake so many milliseconds later, or never. */
async function busyPod(handshakeAfter: number | 'never'): Promise<Busy> {
  const { pod, tls } = await identities();
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket.on('error', () => undefined));
    if (handshakeAfter === 'never') return;
    setTimeout(() => new TLSSocket(socket, { isServer: true, ...pod }), handshakeAfter);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  return {
    host: '127.0.0.1',
    port: typeof address === 'object' && address ? address.port : 0,
    tls,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}

function connected({ host, port, tls }: Target, within: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    connectSecurely(tls, within)({ hostname: host, port: String(port), protocol: 'https:' }, (error, socket) => {
      if (error) reject(error);
      else resolve(socket);
    });
  });
}

test('a pod whose node accepts the connection has longer for the TLS handshake than for the connect', async () => {
  await using pod = await busyPod(4 * CONNECTS_WITHIN);
  (await connected(pod, 10_000)).destroy();
});

test('a pod that never begins the handshake is given up', async () => {
  await using pod = await busyPod('never');
  await expect(connected(pod, CONNECTS_WITHIN)).rejects.toThrow('Connect Timeout');
});

test('a pod whose node is gone is given up at once, although a handshake would have had a minute', async () => {
  const { tls } = await identities();
  // A loopback network of this file's own.
  await using silent = await silentAddress('127.74.0.1');
  await expect(connected({ ...silent, tls }, 60_000)).rejects.toThrow('Connect Timeout');
  expect(CONNECTS_WITHIN).toBeLessThanOrEqual(500);
}, 30_000);
