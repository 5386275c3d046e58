import { connect } from 'node:net';
import { MongoClient } from 'mongodb';
import type { Document, MongoClientOptions } from 'mongodb';
import { isErrno } from '../errors.ts';
import { asRefusal, hasCode, code, unavailable } from './failures.ts';
import { readKeyfile } from './keyfile.ts';

export interface CommandOptions {
  readonly db?: string;
  readonly timeoutMillis?: number;
  readonly signal?: AbortSignal;
}

/**
 * `refuses`: nothing listens on mongod's port, so no mongod runs. `silent`: neither accepted nor refused in time, which
 * proves nothing: the mongod may be frozen.
 */
export type PortState = 'accepts' | 'refuses' | 'silent';

/** One mongod, whatever its role: that of this pod, or another member's. Every failure that the caller can act on is a `Refusal`. */
export interface Mongod {
  readonly port: () => Promise<PortState>;
  command(command: Document, options?: CommandOptions): Promise<Document>;
  /** Whether mongod accepts this user with this password. */
  accepts(credentials: { username: string; password: string }): Promise<boolean>;
  readonly close: () => Promise<void>;
}

export interface MongodOptions {
  readonly port: number;
  /** Default: loopback. */
  readonly host?: string;
  /** The first that exists counts: the copy that the running mongod has read precedes the mounted one. */
  readonly keyFiles: readonly string[];
}

const TIMEOUT = 3_000;

const clientOptions = {
  directConnection: true,
  authMechanism: 'SCRAM-SHA-256',
  appName: 'authstack-mongodb-agent',
  connectTimeoutMS: TIMEOUT,
  serverSelectionTimeoutMS: TIMEOUT,
  heartbeatFrequencyMS: 5_000,
  // One of them waits for changes of mongod's role.
  maxPoolSize: 5,
} as const satisfies MongoClientOptions;

export function openMongod({ port, host = '127.0.0.1', keyFiles }: MongodOptions): Mongod {
  const uri = `mongodb://${host}:${String(port)}/`;
  let current: { readonly key: string; readonly client: MongoClient } | undefined;

  /** mongod reads its keyfile once, when it starts, so a client is valid for one content of it. */
  async function systemClient(): Promise<MongoClient> {
    const key = await readKey(keyFiles);
    if (current?.key === key) return current.client;
    const outdated = current;
    const auth = { username: '__system', password: key };
    const client = new MongoClient(uri, { ...clientOptions, auth, authSource: 'local' });
    // A client that does not find mongod the first time is closed by the driver, and refuses everything from then on.
    client.once('topologyClosed', () => {
      if (current?.client === client) current = undefined;
    });
    current = { key, client };
    await outdated?.client.close();
    return client;
  }

  return {
    port: () => portState(host, port),
    command: async (command, { db = 'admin', timeoutMillis = TIMEOUT, signal: given } = {}) => {
      const client = await systemClient();
      const late = AbortSignal.timeout(timeoutMillis);
      const signal = given ? AbortSignal.any([late, given]) : late;
      try {
        return await client.db(db).command(command, { signal });
      } catch (error) {
        if (late.aborted) throw unavailable(new Error(`no answer within ${timeoutMillis} ms`));
        throw asRefusal(error);
      }
    },
    accepts: async (auth) => {
      await using client = new MongoClient(uri, { ...clientOptions, auth, authSource: 'admin', maxPoolSize: 1 });
      try {
        await client.db('admin').command({ ping: 1 }, { signal: AbortSignal.timeout(TIMEOUT) });
        return true;
      } catch (error) {
        if (hasCode(error, code.authenticationFailed)) return false;
        throw asRefusal(error);
      }
    },
    close: async () => {
      const last = current;
      current = undefined;
      await last?.client.close();
    },
  };
}

/** Another member, by its host in the configuration: every member of a set has the same keyfile. */
export function openMember(host: string, keyFiles: readonly string[]): Mongod {
  const { hostname, port } = new URL(`mongodb://${host}`);
  return openMongod({ host: hostname, port: Number(port), keyFiles });
}

async function readKey(files: readonly string[]): Promise<string> {
  const keyfile = await readKeyfile(files);
  if (keyfile === undefined) throw unavailable(new Error(`no keyfile at ${files.join(' or ')}`));
  return keyfile.replaceAll(/\s/g, '');
}

function portState(host: string, port: number): Promise<PortState> {
  const { promise, resolve } = Promise.withResolvers<PortState>();
  const socket = connect({ host, port, timeout: TIMEOUT });
  socket.once('connect', () => {
    resolve('accepts');
  });
  socket.once('error', (error) => {
    resolve(isErrno(error, 'ECONNREFUSED') ? 'refuses' : 'silent');
  });
  socket.once('timeout', () => {
    resolve('silent');
  });
  return promise.finally(() => {
    socket.destroy();
  });
}
