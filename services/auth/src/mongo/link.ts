import { AsyncLocalStorage } from 'node:async_hooks';
import { Mongoose, STATES } from 'mongoose';
import type { ConnectOptions, Connection } from 'mongoose';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { databaseNamed } from '../api.ts';
import { asUnavailable, NotConnected } from './database-unavailable.ts';

export type Run = <T>(work: () => Promise<T>) => Promise<T>;

/** What stores are made on: one connection, opened with one connection string. A changed string gets a link of its own. */
export interface Link {
  readonly connection: Connection;
  /** One piece of work within a bounded time; the database's transient failures become DatabaseUnavailable. */
  readonly run: Run;
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

/** A request waits through an election (about 5 s with ours) rather than fail; beyond that it gets a 503 with Retry-After. */
const ANSWER_WITHIN: Millis = 10_000;
const WRITTEN_WITHIN: Millis = 8_000;

// The driver's own `timeoutMS` has had no effect since 7.x, so each wait is bounded by itself, and all by ANSWER_WITHIN.
const options: ConnectOptions = {
  appName: 'authstack-auth',
  serverSelectionTimeoutMS: WRITTEN_WITHIN,
  connectTimeoutMS: 4_000,
  socketTimeoutMS: ANSWER_WITHIN,
  waitQueueTimeoutMS: 5_000,
  heartbeatFrequencyMS: 2_000,
  maxPoolSize: 50,
  maxIdleTimeMS: 60_000,
  retryWrites: true,
  retryReads: true,
  readPreference: 'primary',
  // What was read was never rolled back; what was acknowledged survives the loss of the primary.
  readConcern: { level: 'majority' },
  writeConcern: { w: 'majority', wtimeoutMS: WRITTEN_WITHIN },
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

  async function run<T>(work: () => Promise<T>): Promise<T> {
    // The driver decides by the error itself whether to retry a transaction, so inside one it stays as it is.
    if (insideTransaction.getStore()) return work();
    try {
      return await within(ANSWER_WITHIN, work());
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  function within<T>(limit: Millis, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = clock.after(limit, () => {
        reject(new NotConnected(`the database did not answer within ${limit} ms`));
      });
      work.then(resolve, reject).finally(cancel);
    });
  }

  function transaction<T>(work: () => Promise<T>): Promise<T> {
    if (insideTransaction.getStore()) return work();
    const deadline = clock.monotonic() + ANSWER_WITHIN;
    return run(() =>
      connection.transaction(() => {
        // Its caller has had a 503 and may try again: a retry from here would happen twice.
        if (clock.monotonic() >= deadline) throw new NotConnected('the transaction took too long');
        return insideTransaction.run(true, work);
      }),
    );
  }

  return {
    connection,
    run,
    transaction,
    get isConnected() {
      return connection.readyState === STATES.connected;
    },
    async ping() {
      // eslint-disable-next-line no-restricted-syntax -- because a ping writes nothing
      const answer = connection.db?.command({ ping: 1 });
      await within(ANSWER_WITHIN, answer ?? Promise.reject(new NotConnected('not connected')));
    },
    async close() {
      await connection.destroy();
    },
  };
}
