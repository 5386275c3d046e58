import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { messageOf } from './errors.ts';
import { opsPaths } from './ops-paths.ts';
import { INACTIVE_AT_MOST, serverLimits } from './server-limits.ts';

export interface OpsPorts {
  /** What a request would miss; empty when the service is ready. */
  readonly missing: () => readonly string[] | Promise<readonly string[]>;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** JSON documents of this service alone, by path. */
  readonly documents?: Readonly<Record<string, () => unknown>>;
  readonly log: Logger;
}

/** Its clients are few. */
export const OPS_CONNECTIONS = 256;

/**
 * The listener of kubelet, Prometheus and operator: plain HTTP, it answers whatever state the rest is in, changes nothing and
 * tells nothing secret.
 */
export function createOpsServer({ missing, metrics, documents = {}, log }: OpsPorts): Server {
  async function replyTo(path: string): Promise<Reply> {
    switch (path) {
      case opsPaths.alive:
        return text(200, 'ok');
      case opsPaths.ready: {
        const reasons = await missing();
        return reasons.length === 0 ? text(200, 'ok') : text(503, reasons.join('\n'));
      }
      case opsPaths.metrics: {
        const { text: body, contentType: type } = await metrics();
        return { status: 200, body, type };
      }
    }
    const document = Object.hasOwn(documents, path) ? documents[path] : undefined;
    if (!document) return text(404, 'not found');
    return { status: 200, body: `${JSON.stringify(document())}\n`, type: 'application/json' };
  }

  return createServer(serverLimits, (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      send(response, text(405, 'use GET'));
      return;
    }
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    void replyTo(path).then(
      (reply) => {
        send(response, reply);
      },
      (error: unknown) => {
        log.error({ path, reason: messageOf(error) }, 'probe failed');
        send(response, text(500, 'failed'));
      },
    );
  }).setTimeout(INACTIVE_AT_MOST);
}

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly type: string;
}

function text(status: number, line: string): Reply {
  return { status, body: `${line}\n`, type: 'text/plain; charset=utf-8' };
}

function send(response: ServerResponse, { status, body, type }: Reply): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}
