import { AsyncLocalStorage } from 'node:async_hooks';
import { Mongoose, STATES } from 'mongoose';
import type { ConnectOptions, Connection } from 'mongoose';
import type { Logger } from 'pino';
import { pause } from '@authstack/http-service/clock';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { messageOf } from '@authstack/http-service/errors';
import { databaseNamed } from '../api.ts';
import { asUnavailable, NotConnected } from './database-unavailable.ts';

export interface DatabasePorts {
  /** The connection string in use; it changes when the credentials do. */
  readonly uri: () => string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

type Run = <T>(work: () => Promise<T>) => Promise<T>;

export interface Database {
  readonly connection: Connection;
  /** Connected once with its indexes in place, and not closed since. */
  readonly ready: boolean;
  /** It answers now. */
  readonly up: boolean;
  /** Why it does not: the driver's message. */
  readonly problem: string | undefined;
  /** One piece of work within a bounded time; the database's transient failures becomes DatabaseUnavailable. */
  readonly run: Run;
  /** Everything that models do inside happens together or not at all; one inside another is part of it. */
  readonly transaction: Run;
  /** Connects, connects again when the connection string changes, and looks whether it answers, until the signal aborts. */
  readonly keepConnected: (prepare: () => Promise<void>, signal: AbortSignal) => Promise<void>;
  readonly close: () => Promise<void>;
}

const LOOK_EVERY: Millis = 1_000;

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

export function createDatabase({ uri, clock, log }: DatabasePorts): Database {
  const mongoose = new Mongoose({ transactionAsyncLocalStorage: true, bufferCommands: false });
  const connection = mongoose.createConnection();
  const insideTransaction = new AsyncLocalStorage<true>();
  let connectedWith: string | undefined;
  let ready = false;
  let problem: string | undefined;

  async function run<T>(work: () => Promise<T>): Promise<T> {
    // The driver decides by the error itself whether to retry a transaction, so inside one it stays as it is.
    if (insideTransaction.getStore()) return work();
    try {
      if (connectedWith === undefined) throw new NotConnected('the database was not reached yet');
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

  async function connect(target: string, prepare: () => Promise<void>): Promise<void> {
    connectedWith = undefined;
    await connection.close();
    await connection.openUri(target, { ...options, ...databaseNamed(target) });
    connectedWith = target;
    await prepare();
    ready = true;
    log.info('database connected');
  }

  async function ping(): Promise<void> {
    await within(
      ANSWER_WITHIN,
      connection.db?.command({ ping: 1 }) ?? Promise.reject(new NotConnected('not connected')),
    );
  }

  async function keepConnected(prepare: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const target = uri();
      if (target !== undefined) {
        const isConnected = ready && target === connectedWith;
        const failure = await (isConnected ? ping() : connect(target, prepare)).then(() => undefined, messageOf);
        report(failure);
        problem = failure;
      }
      await pause(clock, LOOK_EVERY, signal);
    }
  }

  function report(failure: string | undefined): void {
    if (failure === problem) return;
    if (failure === undefined) log.info('database available again');
    else log.error({ reason: failure }, 'database unavailable; retrying');
  }

  return {
    connection,
    get ready() {
      return ready;
    },
    get up() {
      return problem === undefined && connectedWith !== undefined && connection.readyState === STATES.connected;
    },
    get problem() {
      return problem;
    },
    run,
    transaction,
    keepConnected,
    close: () => connection.close(),
  };
}
