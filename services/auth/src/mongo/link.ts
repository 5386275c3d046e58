import { AsyncLocalStorage } from 'node:async_hooks';
import { Mongoose, STATES } from 'mongoose';
import type { ConnectOptions, Connection } from 'mongoose';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { databaseNamed } from '../api.ts';
import { CLIENT_WAITS, patienceLeft } from '../http/patience.ts';
import { asUnavailable, NotConnected } from './database-unavailable.ts';
import { readsOf } from './reads.ts';
import type { ReadsOf } from './reads.ts';
import { retrying } from './retrying.ts';
import type { Budget } from './retrying.ts';

export type Run = <T>(work: () => Promise<T>) => Promise<T>;

/** What stores are made on: one connection, opened with one connection string. A changed string gets a link of its own. */
export interface Link {
  readonly connection: Connection;
  /** Of a collection, past mongoose. */
  readonly reads: ReadsOf;
  /**
   * One piece of work that somebody waits for: done again while the database fails by what passes by itself, for as long as the
   * client still waits; then DatabaseUnavailable. What it does a second time must be as if it had been done once.
   */
  readonly run: Run;
  /** The same for work that no client waits for. */
  readonly patiently: Run;
  /** Everything that models do inside happens together or not at all; one inside another is part of it. */
  readonly transaction: Run;
}

/** A link as whoever opened it holds it. */
export interface OpenLink extends Link {
  readonly isConnected: boolean;
  /** Answers once the primary has. */
  readonly ping: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** By this name the database knows the connections of a pod. */
export const appName = 'authstack-auth';

/** Through an election that nobody assists, too. */
const NOBODY_WAITS: Millis = 10_000;
/** Shorter than what a client waits, so that little is still written for one that had its 503. */
const ATTEMPT_ENDS: Millis = 2_500;

// The driver's own `timeoutMS` has had no effect since 7.x, so each wait is bounded by itself, and all by `retrying`.
const options: ConnectOptions = {
  appName,
  serverSelectionTimeoutMS: ATTEMPT_ENDS,
  // A third of what a client waits: no more than two are opened at once, and one that hangs holds back whoever waits for the next.
  connectTimeoutMS: 1_000,
  socketTimeoutMS: NOBODY_WAITS,
  waitQueueTimeoutMS: ATTEMPT_ENDS,
  heartbeatFrequencyMS: 2_000,
  // To each member: who is elected next is written to at once, and so is the database of a new pod.
  minPoolSize: 4,
  maxPoolSize: 50,
  maxIdleTimeMS: 60_000,
  retryWrites: true,
  retryReads: true,
  readPreference: 'primary',
  // What was read was never rolled back; what was acknowledged survives the loss of the primary.
  readConcern: { level: 'majority' },
  writeConcern: { w: 'majority', wtimeoutMS: ATTEMPT_ENDS },
  autoIndex: false,
  autoCreate: false,
};

/** Fails when no primary is reached in time, or the credentials are refused; nothing is left open then. */
export async function openLink(uri: string, clock: Clock): Promise<OpenLink> {
  const connection = new Mongoose({ transactionAsyncLocalStorage: true, bufferCommands: false }).createConnection();
  const link = linkOf(connection, clock);
  try {
    await connection.openUri(uri, { ...options, ...databaseNamed(uri) });
    await link.ping();
    return link;
  } catch (error) {
    await link.close();
    throw error;
  }
}

function linkOf(connection: Connection, clock: Clock): OpenLink {
  const insideTransaction = new AsyncLocalStorage<true>();
  const closing = new AbortController();
  const budget = (limit: Millis): Budget => ({ clock, limit, closed: closing.signal });

  async function within<T>(limit: Millis, work: (spent: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await retrying(work, budget(limit));
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  // The driver decides by the error itself whether to retry a transaction, so inside one it stays as it is.
  const outside =
    (limit: () => Millis): Run =>
    (work) =>
      insideTransaction.getStore() ? work() : within(limit(), work);

  function transaction<T>(work: () => Promise<T>): Promise<T> {
    if (insideTransaction.getStore()) return work();
    return within(clientWaits(), (spent) =>
      connection.transaction(async () => {
        // A client that has had its 503 may try again: what is begun or committed from here would happen twice.
        spent.throwIfAborted();
        const result = await insideTransaction.run(true, work);
        spent.throwIfAborted();
        return result;
      }),
    );
  }

  async function ping(): Promise<void> {
    // eslint-disable-next-line no-restricted-syntax -- because a ping writes nothing
    await (connection.db?.command({ ping: 1 }) ?? Promise.reject(new NotConnected('not connected')));
  }

  return {
    connection,
    reads: readsOf(connection, () => insideTransaction.getStore() === true),
    run: outside(clientWaits),
    patiently: outside(() => NOBODY_WAITS),
    transaction,
    get isConnected() {
      return connection.readyState === STATES.connected;
    },
    async ping() {
      await retrying(ping, budget(NOBODY_WAITS));
    },
    async close() {
      closing.abort();
      await connection.destroy();
    },
  };
}

function clientWaits(): Millis {
  return Math.min(CLIENT_WAITS, patienceLeft());
}
