import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';

export interface Probes {
  /** Whether clients may use this member; its text is the answer's body. */
  ready(): Promise<{ ready: boolean; why: string }>;
  metrics(): Promise<{ contentType: string; text: string }>;
}

/** Plain HTTP for the kubelet and Prometheus; it tells nothing secret and changes nothing. */
export function createProbeServer(probes: Probes): Server {
  return createServer((request, response) => {
    void answer(request.url ?? '', response).catch(() => {
      text(response, 500, 'failed');
    });
  });

  async function answer(url: string, response: ServerResponse): Promise<void> {
    switch (url.split('?')[0] ?? '') {
      case '/healthz':
        text(response, 200, 'ok');
        return;
      case '/readyz': {
        const { ready, why } = await probes.ready();
        text(response, ready ? 200 : 503, why);
        return;
      }
      case '/metrics': {
        const metrics = await probes.metrics();
        response.writeHead(200, { 'content-type': metrics.contentType }).end(metrics.text);
        return;
      }
      default:
        text(response, 404, 'not found');
    }
  }
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(`${body}\n`);
}
