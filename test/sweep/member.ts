import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { startAgent } from '../../services/mongodb-agent/src/agent.ts';
import type { Agent } from '../../services/mongodb-agent/src/agent.ts';
import { agentContract } from '../../services/mongodb-agent/src/api.ts';
import { systemClock } from '../../services/mongodb-agent/src/clock.ts';
import { gateContainer } from '../../services/mongodb-agent/src/gate-script.ts';
import { tool } from '../support/tools.ts';

const LOG = 'mongod.log';
const LAST_LINES = 25;

export interface MemberOptions {
  readonly podUid: string;
  /** Its own address on loopback. */
  readonly address: string;
  /** Folder of its volume; it outlives the member. */
  readonly volume: string;
  /** Folder of what is deleted with the pod. */
  readonly folder: string;
  /** Names of all members; every mongod of this run reads it in /etc/hosts' place. */
  readonly hosts: string;
  readonly secrets: {
    readonly keyfile: string;
    /** `tls.crt`, `tls.key`, `ca.crt`. */
    readonly tls: Readonly<Record<string, string>>;
  };
  /** Called with each command that the agent has carried out. */
  readonly onCommand: (path: string) => void;
}

/** One pod of the database: the real agent in this process, and beside it a real mongod behind the real gate. */
export interface Member {
  /** Whether clients may use it, in the words of its readiness probe. */
  isReady(): Promise<boolean>;
  /** The last lines that the gate or mongod wrote, and how it ended if it has. */
  lastLines(): Promise<string>;
  /** Sends it to mongod alone; its agent stays. */
  signalMongod(signal: NodeJS.Signals): void;
  /** Ends both at once; a node gives no grace here. */
  kill(): Promise<void>;
}

export async function startMember(options: MemberOptions): Promise<Member> {
  const files = await writeFiles(options);
  const agent = await startAgent(
    {
      ...files,
      podUid: options.podUid,
      dataDir: options.volume,
      mongodPort: 27_017,
      apiPort: agentContract.apiPort,
      probePort: agentContract.probePort,
      address: options.address,
    },
    { clock: systemClock, log: pino({ level: 'info' }, { write: (line: string) => reportCommand(line, options) }) },
  );
  const mongod = await startGate(options, files);
  return {
    async isReady() {
      const answer = await fetch(`http://${options.address}:${agentContract.probePort}/readyz`);
      await answer.text();
      return answer.ok;
    },
    async lastLines() {
      const log = await readFile(join(options.folder, LOG), 'utf8').catch(() => '');
      const ended = mongod.exitCode ?? mongod.signalCode;
      return [`ended: ${String(ended ?? 'no')}`, ...log.trimEnd().split('\n').slice(-LAST_LINES)].join('\n');
    },
    signalMongod: (signal) => void mongod.kill(signal),
    kill: () => end(agent, mongod),
  };
}

interface Files {
  readonly gateDir: string;
  readonly tlsDir: string;
  readonly keyFile: string;
}

async function writeFiles({ folder, volume, secrets }: MemberOptions): Promise<Files> {
  const files = { gateDir: join(folder, 'gate'), tlsDir: join(folder, 'tls'), keyFile: join(folder, 'keyfile') };
  for (const path of [files.gateDir, files.tlsDir, volume]) await mkdir(path, { recursive: true });
  await writeFile(files.keyFile, secrets.keyfile, { mode: 0o440 });
  for (const [name, content] of Object.entries(secrets.tls)) await writeFile(join(files.tlsDir, name), content);
  return files;
}

/** The agent logs each command once it has carried it out. */
function reportCommand(line: string, { onCommand }: MemberOptions): void {
  const { path, status } = JSON.parse(line) as { readonly path?: string; readonly status?: number };
  if (path !== undefined && status !== undefined && status < 300) onCommand(path);
}

/** A mount namespace of its own gives this mongod alone the names that a cluster's DNS would. */
const withHosts = ['--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"'];

async function startGate({ address, volume, folder, hosts }: MemberOptions, files: Files): Promise<ChildProcess> {
  const small = ['--wiredTigerCacheSizeGB', '0.25', '--setParameter', 'diagnosticDataCollectionEnabled=false'];
  const { gateDir, keyFile } = files;
  const gate = gateContainer({ dataDir: volume, gateDir, keyFile, mongod: await tool('mongod'), mongodArgs: small });
  const args = gate.args.flatMap((arg) => (arg === '--bind_ip_all' ? ['--bind_ip', address] : [arg]));
  const output = openSync(join(folder, LOG), 'a');
  // The kernel ends it with this process, so that no run leaves servers behind.
  const command = ['--pdeathsig', 'KILL', 'unshare', ...withHosts, hosts, ...gate.command, ...args];
  const child = spawn('setpriv', command, { stdio: ['ignore', output, output] });
  closeSync(output);
  return child;
}

/** The agent first: when a whole pod goes, nobody is left to tell that its mongod has ended. */
async function end(agent: Agent, mongod: ChildProcess): Promise<void> {
  await agent.close();
  if (mongod.exitCode === null && mongod.signalCode === null) {
    const ended = once(mongod, 'exit');
    mongod.kill('SIGKILL');
    await ended;
  }
}
