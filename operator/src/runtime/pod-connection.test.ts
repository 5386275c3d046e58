import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { expect, test } from '@jest/globals';
import { createAuthority } from '../../../services/mongodb-agent/src/testing/certificates.ts';
import { CONNECTS_WITHIN, connectSecurely } from './pod-connection.ts';
import type { PodTls } from './pod-connection.ts';

interface Busy extends AsyncDisposable {
  readonly port: number;
  readonly tls: PodTls;
}

/** Its node accepts at once; its process begins with the handshake so many milliseconds later, or never. */
async function busyPod(handshakeAfter: number | 'never'): Promise<Busy> {
  const authority = await createAuthority();
  const [pod, operator] = await Promise.all([authority.issue('localhost'), authority.issue('operator')]);
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket.on('error', () => undefined));
    if (handshakeAfter === 'never') return;
    setTimeout(() => new TLSSocket(socket, { isServer: true, ...pod }), handshakeAfter);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    tls: { ...operator, ca: authority.cert, servername: 'localhost' },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await once(server.close(), 'close');
    },
  };
}

function connected({ port, tls }: Busy, within: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    connectSecurely(tls, within)({ hostname: '127.0.0.1', port: String(port), protocol: 'https:' }, (error, socket) => {
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
