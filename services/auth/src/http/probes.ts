import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import { authContract } from '../api.ts';
import type { PodStatus } from '../api.ts';
import { messageOf } from '../errors.ts';

export interface ProbePorts {
  readonly status: () => PodStatus;
  readonly registry: Registry;
}

/** The listener of kubelet, Prometheus and operator; it answers whatever state the rest is in. */
export function createProbes({ status, registry }: ProbePorts): Server {
  async function answer(path: string, response: ServerResponse): Promise<void> {
    switch (path) {
      case '/healthz':
        reply(response, { status: 200, body: 'ok\n' });
        return;
      case '/readyz': {
        const { missing } = status();
        const isReady = missing.length === 0;
        reply(response, { status: isReady ? 200 : 503, body: isReady ? 'ok\n' : `${missing.join('\n')}\n` });
        return;
      }
      case authContract.statusPath:
        reply(response, { status: 200, body: `${JSON.stringify(status())}\n`, type: 'application/json' });
        return;
      case '/metrics':
        reply(response, { status: 200, body: await registry.metrics(), type: registry.contentType });
        return;
      default:
        reply(response, { status: 404, body: 'not found\n' });
    }
  }

  return createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    answer(path, response).catch((error: unknown) => {
      reply(response, { status: 500, body: `${messageOf(error)}\n` });
    });
  });
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

function reply(response: ServerResponse, { status, body, type = 'text/plain; charset=utf-8' }: Reply): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}
