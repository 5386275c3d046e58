import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import { startServer } from '../../test/support/processes.ts';
import { sendExpecting } from '../auth/http-client.ts';

/** A program of this folder in a process of its own, which is asked over HTTP. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  ask<Answer>(path: string, body?: unknown): Promise<Answer>;
}

export interface ProgramOptions {
  /** Of `bench/keys`. */
  readonly file: string;
  /** What `settingsOfProgram` answers there. */
  readonly settings: object;
  /** Names of Services, and the addresses of their pods. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly log: string;
}

/** Resolves once its `/ready` answers 200. */
export async function startProgram({ file, settings, names, log }: ProgramOptions): Promise<Program> {
  const port = await freePort();
  const given = {
    PATH: process.env['PATH'] ?? '',
    NODE_ENV: 'production',
    BENCH_PORT: String(port),
    BENCH_SETTINGS: JSON.stringify(settings),
    BENCH_NAMES: JSON.stringify(names),
  };
  const variables = Object.entries(given).map(([name, value]) => `${name}=${value}`);
  const path = (name: string): string => join(import.meta.dirname, name);
  const flags = ['--conditions=authstack-source', '--import', path('network.ts')];
  const args = ['-i', ...variables, process.execPath, ...flags, path(file)];
  const ask = async <Answer>(asked: string, body: unknown = {}): Promise<Answer> => {
    const answer = await sendExpecting(200, { port, method: 'POST', path: asked, body });
    return JSON.parse(answer.text) as Answer;
  };
  const server = await startServer('env', args, { log, answers: () => ask('/ready') });
  return { pid: server.pid, ask, [Symbol.asyncDispose]: () => server.kill('SIGKILL') };
}

/** Within the program: what it was started with. */
export function settingsOfProgram(): unknown {
  return JSON.parse(process.env['BENCH_SETTINGS'] ?? '{}');
}

/** Within the program: answers what each path returns, as JSON; what throws is a 503. */
export function serveProgram(answers: Readonly<Record<string, (body: unknown) => unknown>>): void {
  const server = createServer((request, response) => {
    void (async () => {
      try {
        const body: unknown = JSON.parse(await text(request));
        const answer = await answers[request.url ?? '']?.(body);
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}));
      } catch (error) {
        response.writeHead(503).end(String(error));
      }
    })();
  });
  server.listen({ port: Number(process.env['BENCH_PORT']), host: '127.0.0.1' });
}
