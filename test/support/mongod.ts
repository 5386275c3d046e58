import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import { MongoClient } from 'mongodb';
import type { Document } from 'mongodb';
import { freePort } from './free-port.ts';
import { startServer } from './processes.ts';
import type { Server } from './processes.ts';
import { tool } from './tools.ts';

export interface MongodOptions {
  /** Name of the replica set it belongs to; absent: it stands alone. */
  readonly replicaSet?: string;
  /** Start a replica set of this one member, and wait until it is primary. */
  readonly initiate?: boolean;
  readonly port?: number;
  readonly keyFile?: string;
  /** Kept afterwards; absent: a temporary folder that goes with the process. */
  readonly dbPath?: string;
  readonly args?: readonly string[];
}

/** A real mongod on loopback. */
export interface Mongod extends AsyncDisposable {
  /** Of this very process, whatever its role. */
  readonly uri: string;
  readonly port: number;
  readonly dbPath: string;
  readonly pid: number;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and data, after `kill`. */
  restart(): Promise<void>;
}

export async function startMongod(options: MongodOptions = {}): Promise<Mongod> {
  const { replicaSet, initiate = false, keyFile, args = [] } = options;
  const folder = await mkdtemp(join(tmpdir(), 'mongod-'));
  const dbPath = options.dbPath ?? join(folder, 'db');
  await mkdir(dbPath, { recursive: true });
  const port = options.port ?? (await freePort());
  const program = await tool('mongod');
  const allArgs = [
    ['--port', String(port), '--dbpath', dbPath, '--bind_ip', '127.0.0.1', '--unixSocketPrefix', folder],
    // The default cache is half of the machine's memory.
    ['--wiredTigerCacheSizeGB', '0.25', '--setParameter', 'diagnosticDataCollectionEnabled=false'],
    replicaSet === undefined ? [] : ['--replSet', replicaSet],
    keyFile === undefined ? [] : ['--keyFile', keyFile],
    args,
  ].flat();
  const start = (): Promise<Server> =>
    startServer(program, allArgs, { log: join(folder, 'mongod.log'), answers: () => accepts(port) });
  let server = await start();
  const uri = `mongodb://127.0.0.1:${port}/?directConnection=true`;
  if (initiate) await initiateAndWait(uri, { _id: replicaSet ?? 'rs0', members: [aMember(port, 0)] });

  return {
    uri,
    port,
    dbPath,
    get pid() {
      return server.pid;
    },
    kill: (signal = 'SIGKILL') => server.kill(signal),
    async restart() {
      server = await start();
    },
    async [Symbol.asyncDispose]() {
      await server.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface ReplicaSet extends AsyncDisposable {
  /** Of the set, for drivers that find the primary themselves. */
  readonly uri: string;
  readonly members: readonly Mongod[];
  primary(): Promise<Mongod>;
}

/** A replica set `rs0` of that many real members, all voting, with a primary elected. */
export async function startReplicaSet(
  count: number,
  { args = [] }: Pick<MongodOptions, 'args'> = {},
): Promise<ReplicaSet> {
  const members = await Promise.all(Array.from({ length: count }, () => startMongod({ replicaSet: 'rs0', args })));
  const [first] = members;
  if (!first) throw new RangeError('a replica set has at least one member');
  await initiateAndWait(first.uri, {
    _id: 'rs0',
    // Elections are quick, so that a test of a failover is.
    settings: { electionTimeoutMillis: 1000, heartbeatIntervalMillis: 500 },
    members: members.map(({ port }, index) => aMember(port, index)),
  });
  const hosts = members.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return {
    uri: `mongodb://${hosts}/?replicaSet=rs0`,
    members,
    async primary() {
      for (;;) {
        for (const member of members) {
          const hello = await command(member.uri, { hello: 1 }).catch(() => ({ isWritablePrimary: false }));
          if (hello.isWritablePrimary === true) return member;
        }
        await pause(50);
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map((member) => member[Symbol.asyncDispose]()));
    },
  };
}

/** A keyfile with the modes mongod asks for; the folder is the caller's. */
export async function writeKeyFile(folder: string): Promise<string> {
  const path = join(folder, 'keyfile');
  await writeFile(path, randomBytes(96).toString('base64'), { mode: 0o600 });
  return path;
}

function aMember(port: number, index: number): Document {
  return { _id: index, host: `127.0.0.1:${port}` };
}

async function initiateAndWait(uri: string, config: Document): Promise<void> {
  await command(uri, { replSetInitiate: config });
  while ((await command(uri, { hello: 1 }))['setName'] === undefined) await pause(50);
  const members = (config['members'] as { host: string }[]).map(({ host }) => host);
  const client = new MongoClient(`mongodb://${members.join(',')}/?replicaSet=${String(config['_id'])}`);
  try {
    await client.db('admin').command({ ping: 1 }, { readPreference: 'primary' });
  } finally {
    await client.close();
  }
}

async function command(uri: string, body: Document): Promise<Document> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 2_000 });
  try {
    return await client.db('admin').command(body);
  } finally {
    await client.close();
  }
}

async function accepts(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}
