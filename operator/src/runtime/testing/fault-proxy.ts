import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ApiServer } from '../../../../test/support/api-server.ts';

/** What may happen to a watch that is opened. */
export type WatchFault = 'answered 410' | 'answered 500' | 'told 410' | 'garbled' | 'closed at once';

/** Stands between a client and a real API server, and spoils watches. */
export interface FaultProxy extends AsyncDisposable {
  /** Path of a kubeconfig that leads through it. */
  readonly kubeconfig: string;
  /** The next watch that is opened meets this; several wait in line. */
  next(fault: WatchFault): void;
  /** Cuts the connections of all open watches. */
  breakWatches(): void;
  /** Open watches stay connected, but nothing more comes: a half-dead connection. */
  muteWatches(): void;
  /** How many watches are open and heard. */
  readonly watches: number;
}

interface Kubeconfig {
  readonly clusters: readonly [
    { cluster: { server: string; 'certificate-authority'?: string; 'insecure-skip-tls-verify'?: boolean } },
  ];
}

export async function startFaultProxy(api: ApiServer): Promise<FaultProxy> {
  const config = JSON.parse(await readFile(api.kubeconfig, 'utf8')) as Kubeconfig;
  const { cluster } = config.clusters[0];
  const ca = await readFile(cluster['certificate-authority'] ?? '');
  const faults: WatchFault[] = [];
  const open = new Map<ServerResponse, IncomingMessage>();

  const forward = (from: IncomingMessage, to: ServerResponse, isWatch: boolean): void => {
    const options = { method: from.method, headers: { ...from.headers, host: new URL(api.url).host }, ca };
    const upstream = request(`${api.url}${from.url ?? ''}`, options, (answer) => {
      to.writeHead(answer.statusCode ?? 502, answer.headers);
      if (isWatch) to.flushHeaders();
      answer.pipe(to);
      answer.on('error', () => to.destroy());
      if (isWatch) open.set(to, answer);
    });
    upstream.on('error', () => to.destroy());
    to.on('close', () => {
      open.delete(to);
      upstream.destroy();
    });
    from.pipe(upstream);
  };

  const server = createServer((from, to) => {
    const isWatch = from.url?.includes('watch=true') ?? false;
    const fault = isWatch ? faults.shift() : undefined;
    if (fault) spoil(to, fault);
    else forward(from, to, isWatch);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cluster.server = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  delete cluster['certificate-authority'];
  // Without it client-node refuses plain HTTP.
  cluster['insecure-skip-tls-verify'] = true;
  const kubeconfig = `${api.kubeconfig}.faults-${(server.address() as AddressInfo).port}`;
  await writeFile(kubeconfig, JSON.stringify(config));

  return {
    kubeconfig,
    next: (fault) => void faults.push(fault),
    breakWatches() {
      for (const [to] of open) to.destroy();
    },
    muteWatches() {
      for (const [to, answer] of open) answer.unpipe(to);
      open.clear();
    },
    get watches() {
      return open.size;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await rm(kubeconfig, { force: true });
    },
  };
}

function spoil(to: ServerResponse, fault: WatchFault): void {
  const status = (code: number): string =>
    JSON.stringify({ kind: 'Status', code, reason: code === 410 ? 'Expired' : 'InternalError', message: 'made up' });
  switch (fault) {
    case 'answered 410':
      to.writeHead(410).end(status(410));
      return;
    case 'answered 500':
      to.writeHead(500).end(status(500));
      return;
    case 'told 410':
      to.writeHead(200).end(`{"type":"ERROR","object":${status(410)}}\n`);
      return;
    case 'garbled':
      to.writeHead(200).end('{"type":"MODI\n');
      return;
    case 'closed at once':
      to.writeHead(200).end();
  }
}
