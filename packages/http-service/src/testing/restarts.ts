import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../clock.ts';

/** A service as a process, as a pod runs it. */
export interface Running extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly url: string;
  readonly probes: string;
  /** Resolves once the process has logged a line with this text. */
  readonly logged: (text: string) => Promise<void>;
}

export async function run(main: string, environment: Readonly<Record<string, string>>): Promise<Running> {
  const args = ['--conditions=authstack-source', '--disable-warning=ExperimentalWarning', main];
  const env = { PATH: process.env['PATH'], ...environment };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const waiting = new Set<() => void>();
  child.stdout.on('data', (chunk) => {
    output += String(chunk);
    for (const look of waiting) look();
  });
  const logged = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!output.includes(text)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      child.stdout.once('end', () => {
        reject(new Error(`the process ended without "${text}": ${output}`));
      });
      look();
    });
  await logged('"listening"');
  const [, port = '', ops = ''] = /"ports":\{"public":(\d+),"ops":(\d+)/.exec(output) ?? [];
  return {
    child,
    logged,
    url: `http://127.0.0.1:${port}`,
    probes: `http://127.0.0.1:${ops}`,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

interface Answer {
  readonly status: number;
  readonly endsConnection: boolean;
}

/** Sends one request; rejects when it gets no answer. */
type Ask = (url: string) => Promise<Answer>;

export interface Sent {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** As most services have it: one connection, kept for the next request. */
function keptConnection({ path, headers, body }: Sent): Ask {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return async (url) => {
    const asked = request(`${url}${path}`, { method: 'POST', headers, agent }).end(body);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return { status: response.statusCode ?? 0, endsConnection: response.headers.connection === 'close' };
  };
}

/** As @authstack/verify has it: the pool of `fetch`. */
function pooled({ path, headers, body }: Sent): Ask {
  return async (url) => {
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body });
    await response.arrayBuffer();
    return { status: response.status, endsConnection: response.headers.get('connection') === 'close' };
  };
}

export interface Restarts {
  readonly start: () => Promise<Running>;
  readonly sent: Sent;
  readonly clients: number;
  readonly times: number;
}

export interface Outcome {
  /** Answers by status. */
  readonly answers: Readonly<Record<number, number>>;
  /** Why requests got no answer. */
  readonly lost: readonly string[];
  /** Answers to requests that were sent after the process had logged that it drains. */
  readonly whileDraining: { readonly endConnection: number; readonly keepConnection: number };
  /** How each process ended. */
  readonly exits: readonly unknown[];
}

/** So many answers for each client a draining process gives before the endpoints move, which in a cluster takes a moment. */
const ANSWERS_BEFORE_MOVING = 3;

/** Of a process that `drainsUntilTold`: as its environment spells it. */
export const DRAIN_UNTIL_TOLD_SECONDS = '77';

/**
 * The clock of a process whose drain lasts until SIGUSR2, so that no test depends on how fast the machine is: in a cluster the
 * drain is longer than the endpoints take to move.
 */
export function drainsUntilTold(host: NodeJS.Process, clock: Clock): Clock {
  return {
    ...clock,
    after(delay, callback) {
      if (delay !== Number(DRAIN_UNTIL_TOLD_SECONDS) * 1_000) return clock.after(delay, callback);
      host.once('SIGUSR2', callback);
      return () => host.off('SIGUSR2', callback);
    },
  };
}

/**
 * Restarts a process again and again as a rolling update does: the next one is ready first; the old one gets SIGTERM, and a
 * moment later no new connection comes to it. A client keeps to one process until an answer ends its connection.
 */
export async function restartUnderLoad({ start, sent, clients, times }: Restarts): Promise<Outcome> {
  const answers: Record<number, number> = {};
  const lost: string[] = [];
  const whileDraining = { endConnection: 0, keepConnection: 0 };
  const exits: unknown[] = [];
  let endpoint = await start();
  const asked = Array.from({ length: clients }, () => endpoint.url);
  let draining: string | undefined;
  let areRestartsOver = false;
  let look = (): void => undefined;

  async function client(index: number, ask: Ask): Promise<void> {
    while (!areRestartsOver) {
      const { [index]: url = '' } = asked;
      const isDraining = draining === url;
      try {
        const { status, endsConnection } = await ask(url);
        answers[status] = (answers[status] ?? 0) + 1;
        if (isDraining) whileDraining[endsConnection ? 'endConnection' : 'keepConnection'] += 1;
        if (endsConnection) asked[index] = endpoint.url;
      } catch (error) {
        lost.push(`${isDraining ? 'draining' : 'serving'}: ${String((error as Error).cause ?? error)}`);
        asked[index] = endpoint.url;
      }
      look();
    }
  }

  function until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      look = () => {
        if (holds()) resolve();
      };
      look();
    });
  }

  const asking = asked.map((_, index) => client(index, index % 2 === 0 ? keptConnection(sent) : pooled(sent)));
  for (let restart = 0; restart < times; restart += 1) {
    const old = endpoint;
    const next = await start();
    const exit = once(old.child, 'exit');
    old.child.kill('SIGTERM');
    await old.logged('"draining"');
    const { endConnection, keepConnection } = whileDraining;
    draining = old.url;
    await until(
      () =>
        whileDraining.endConnection + whileDraining.keepConnection >=
        endConnection + keepConnection + clients * ANSWERS_BEFORE_MOVING,
    );
    endpoint = next;
    await until(() => !asked.includes(old.url));
    old.child.kill('SIGUSR2');
    exits.push(await exit);
  }
  areRestartsOver = true;
  await Promise.all(asking);
  await endpoint[Symbol.asyncDispose]();
  return { answers, lost, whileDraining, exits };
}
