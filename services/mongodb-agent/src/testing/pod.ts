import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { freePort } from '../../../../test/support/free-port.ts';
import { tool } from '../../../../test/support/tools.ts';
import { startAgent } from '../agent.ts';
import { agentContract, observation, watchedMongod } from '../api.ts';
import type { Observation, WatchedMongod } from '../api.ts';
import { systemClock } from '../clock.ts';
import { gateContainer, preStopCommand } from '../gate-script.ts';
import { createAuthority, writeTlsFiles } from './certificates.ts';
import type { Authority, KeyPair } from './certificates.ts';

export const keyFileContent = 'dGhlIHJvb3Qgb2YgdHJ1c3Q\nb2YgYSByZXBsaWNhIHNldA==\n';

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** One member: the agent in this process, and beside it a real mongod behind the real gate, on a volume of its own. */
export interface Pod extends AsyncDisposable {
  readonly dataDir: string;
  readonly gateDir: string;
  /** Where the kubelet reads why the container ended. */
  readonly terminationLog: string;
  readonly host: string;
  readonly apiPort: number;
  readonly probes: string;
  readonly authority: Authority;
  /** What the agent has logged. */
  readonly log: readonly string[];
  /** Starts the mongod container, as the kubelet does after each of its ends. */
  readonly startContainer: () => void;
  /** Resolves once the container has ended, with its exit code (null when a signal ended it). */
  readonly endContainer: (signal: NodeJS.Signals) => Promise<number | null>;
  /** Runs the hook that the kubelet runs before it ends the container; answers its exit code. */
  readonly preStop: () => Promise<number | null>;
  /** The last lines of the container's output, and its exit code if it has ended: what a test that waits in vain shows. */
  readonly lastWords: () => Promise<string>;
  /** Waits until it ends by itself; answers its exit code. */
  readonly containerEnds: () => Promise<number | null>;
  /** Suspends the container, as a node without CPU time does, and resumes it. */
  readonly freeze: () => void;
  readonly thaw: () => void;
  readonly call: (path: string, body?: object | string, client?: KeyPair) => Promise<Reply>;
  readonly observe: () => Promise<Observation>;
  /** What the agent streams of its mongod, from now on. */
  readonly watch: () => Promise<AsyncDisposable & { readonly last: () => Promise<WatchedMongod> }>;
}

/** `version`: the version of mongod that the gate expects. */
export async function startPod(ordinal = 0, { version }: { readonly version?: string } = {}): Promise<Pod> {
  const home = await mkdtemp(join(tmpdir(), 'authstack-agent-'));
  const [dataDir, gateDir, tlsDir, keyFile] = ['data', 'gate', 'tls', 'keyfile'].map((name) => join(home, name)) as [
    string,
    string,
    string,
    string,
  ];
  const authority = await createAuthority();
  const operator = await authority.issue(agentContract.clientCommonName);
  await writeTlsFiles(tlsDir, authority, await authority.issue('agent'));
  await Promise.all([mkdir(dataDir), mkdir(gateDir), writeFile(keyFile, keyFileContent, { mode: 0o640 })]);

  const port = await freePort();
  const mongodArgs = ['--wiredTigerCacheSizeGB', '0.25'];
  const terminationLog = join(home, 'termination-log');
  const gate = gateContainer({
    ...{ dataDir, gateDir, keyFile, terminationLog, port, mongod: await tool('mongod'), mongodArgs },
    ...(version !== undefined && { version }),
  });
  const output = openSync(join(home, 'mongod.log'), 'a');
  const log: string[] = [];
  const agent = await startAgent(
    { podUid: `pod-${ordinal}`, dataDir, gateDir, keyFile, tlsDir, mongodPort: port, apiPort: 0, probePort: 0 },
    { clock: systemClock, log: pino({ level: 'debug' }, { write: (line) => log.push(line) }) },
  );
  let container: ChildProcess | undefined;

  async function endContainer(signal: NodeJS.Signals): Promise<number | null> {
    if (container?.exitCode !== null || container.signalCode !== null) return null;
    const ended = once(container, 'exit');
    container.kill(signal);
    const [code] = (await ended) as [number | null];
    return code;
  }

  const call: Pod['call'] = (path, body, client = operator) =>
    send({ port: agent.apiPort, path, ca: authority.cert, client }, body);

  return {
    ...{ dataDir, gateDir, terminationLog, apiPort: agent.apiPort, authority, log, endContainer, call },
    preStop: async () => {
      const [command = '', ...args] = preStopCommand({ gateDir });
      const [code] = (await once(spawn(command, args, { stdio: 'ignore' }), 'exit')) as [number | null];
      return code;
    },
    lastWords: async () => {
      const lines = (await readFile(join(home, 'mongod.log'), 'utf8')).trimEnd().split('\n').slice(-5);
      const ended = container?.exitCode ?? container?.signalCode ?? undefined;
      return [...lines, ...(ended === undefined ? [] : [`the container has ended: ${ended}`])].join('\n');
    },
    containerEnds: async () => {
      if (!container) throw new Error('no container was started');
      if (container.exitCode !== null) return container.exitCode;
      const [code] = (await once(container, 'exit')) as [number | null];
      return code;
    },
    host: `127.0.0.1:${String(port)}`,
    probes: `http://127.0.0.1:${String(agent.probePort)}`,
    startContainer: () => {
      const [command = '', ...args] = [...gate.command, ...gate.args];
      container = spawn(command, args, { stdio: ['ignore', output, output] });
    },
    freeze: () => void container?.kill('SIGSTOP'),
    thaw: () => void container?.kill('SIGCONT'),
    observe: async () => {
      const { status, body } = await call(agentContract.paths.observation);
      if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}; ${log.join('')}`);
      return observation.parse(body);
    },
    watch: async () => {
      const to = { port: agent.apiPort, path: agentContract.paths.watch, ca: authority.cert, client: operator };
      const incoming = await ask(to);
      const seen: WatchedMongod[] = [];
      createInterface(incoming).on('line', (line) => seen.push(watchedMongod.parse(JSON.parse(line))));
      return {
        last: () => Promise.resolve(seen.at(-1) ?? { mongod: 'unknown', role: 'unknown' }),
        [Symbol.asyncDispose]: () => Promise.resolve(void incoming.destroy()),
      };
    },
    [Symbol.asyncDispose]: async () => {
      await endContainer('SIGKILL');
      await agent.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

interface Destination {
  readonly port: number;
  readonly path: string;
  readonly ca: string;
  readonly client: Partial<KeyPair>;
}

async function send(to: Destination, body?: object | string): Promise<Reply> {
  const incoming = await ask(to, body);
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return { status: incoming.statusCode ?? 0, body: text === '' ? undefined : JSON.parse(text) };
}

async function ask({ port, path, ca, client }: Destination, body?: object | string): Promise<IncomingMessage> {
  const outgoing = request({
    ...{ port, path, ca, ...client, agent: false },
    servername: 'localhost',
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json' },
  });
  const answered = once(outgoing, 'response');
  outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
  const [incoming] = (await answered) as [IncomingMessage];
  return incoming;
}

/** Waits for a condition, and fails with what it saw last; `lastWords`: and with what the one it waits for said last. */
export async function eventually<T>(
  look: () => Promise<T>,
  { holds, within = 20_000, lastWords }: { holds: (seen: T) => boolean; within?: number; lastWords?: Pod['lastWords'] },
): Promise<T> {
  const deadline = Date.now() + within;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > deadline) {
      const words = lastWords ? `\n${await lastWords()}` : '';
      throw new Error(`not within ${within} ms; last seen: ${JSON.stringify(seen)}${words}`);
    }
    await sleep(50);
  }
}
