import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from 'pino';
import { pause } from '@authstack/http-service/clock';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { messageOf } from '@authstack/http-service/errors';
import { withoutSecrets } from './connection-string.ts';
import { DatabaseUnavailable, NotConnected } from './database-unavailable.ts';
import { openLink } from './link.ts';
import type { Link, OpenLink, Run } from './link.ts';

/** All that a store does is asynchronous. */
type StoreOf<T> = { readonly [Method in keyof T]: T[Method] extends AsyncMethod ? T[Method] : never };
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- because a method with any parameters will do
type AsyncMethod = (...parameters: any[]) => Promise<unknown>;

export interface DatabasePorts<S> {
  /** The connection string to use; it changes when the credentials do. */
  readonly uri: () => string | undefined;
  /** Stores hold on to the link they are made on, as the libraries below them do: each link gets its own. */
  readonly stores: (link: Link) => S;
  /** Collections and indexes. A link is not used before they are in place. */
  readonly prepare: (stores: S) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  /** A changed connection string is not used; called once for each, however often it is tried. */
  readonly refused?: () => void;
}

export interface Database<S> {
  /** Stands for the picked store, whichever link is in use when a method of it is called. */
  readonly store: <T extends StoreOf<T>>(pick: (stores: S) => T) => T;
  /** Everything that stores do inside happens together or not at all. */
  readonly transaction: Run;
  /** Connected once, with collections and indexes in place. */
  readonly ready: boolean;
  /** It answers now. */
  readonly up: boolean;
  /** Why it does not, or why a changed connection string is not in use; no secret of the string. */
  readonly problem: string | undefined;
  /** Connects, follows the connection string, and looks whether the database answers, until the signal aborts. */
  readonly keepConnected: (signal: AbortSignal) => Promise<void>;
  /** At once, whatever is under way. */
  readonly close: () => Promise<void>;
}

/** A link in use, and the calls that are under way on it. */
interface Live<S> {
  readonly uri: string;
  readonly link: OpenLink;
  readonly stores: S;
  readonly calls: Set<Promise<unknown>>;
}

/** Why a connection string cannot be used. */
interface Refusal {
  readonly target: string;
  readonly reason: string;
}

const LOOK_EVERY: Millis = 1_000;

/**
 * The database that the connection string names now (decision 62):
 * ```
 * changed string ── open beside ── ping, prepare ── swap ── calls under way end on the old link ── close it
 *                        └─ fails: the old link stays in use; again in a second
 * ```
 */
export function createDatabase<S>(ports: DatabasePorts<S>): Database<S> {
  const { uri, clock, log } = ports;
  const pinned = new AsyncLocalStorage<Live<S>>();
  const open = new Set<OpenLink>();
  let live: Live<S> | undefined;
  let failure: string | undefined;
  let refusal: Refusal | undefined;

  async function using<T>(work: (on: Live<S>) => Promise<T>): Promise<T> {
    const on = pinned.getStore() ?? live;
    if (!on) throw new DatabaseUnavailable(new NotConnected('the database was not reached yet'));
    const call = work(on);
    on.calls.add(call);
    try {
      return await call;
    } finally {
      on.calls.delete(call);
    }
  }

  async function connect(target: string): Promise<void> {
    const link = await openLink(target, clock);
    open.add(link);
    const stores = ports.stores(link);
    try {
      await ports.prepare(stores);
    } catch (error) {
      await closeLink(link);
      throw error;
    }
    const old = live;
    live = { uri: target, link, stores, calls: new Set() };
    failure = undefined;
    log.info('database connected');
    if (old) void closeAfterCalls(old);
  }

  /** Each call ends within the limit of its link. */
  async function closeAfterCalls({ link, calls }: Live<S>): Promise<void> {
    while (calls.size > 0) await Promise.allSettled(calls);
    await closeLink(link);
  }

  async function closeLink(link: OpenLink): Promise<void> {
    open.delete(link);
    await link.close().catch((error: unknown) => {
      log.warn({ reason: messageOf(error) }, 'a database connection could not be closed in order');
    });
  }

  async function follow(): Promise<void> {
    const target = uri();
    const isChanged = target !== undefined && target !== live?.uri;
    const reason = isChanged ? await connect(target).then(() => undefined, reasonFor(target)) : undefined;
    report(refusal, isChanged && reason !== undefined ? { target, reason } : undefined);
  }

  /** Logged whenever the reason is another one. */
  function report(before: Refusal | undefined, now: Refusal | undefined): void {
    refusal = now;
    if (!now) return;
    const { reason } = now;
    const isNews = reason !== before?.reason;
    if (!live) {
      if (isNews) log.error({ reason }, 'database unavailable; retrying');
      return;
    }
    if (isNews) {
      log.error({ reason }, 'the changed connection string cannot be used; the one before stays in use; retrying');
    }
    if (now.target !== before?.target) ports.refused?.();
  }

  async function look(): Promise<void> {
    if (!live) return;
    const seen = live;
    const reason = await seen.link.ping().then(() => undefined, reasonFor(seen.uri));
    if (seen !== live) return;
    if (reason !== undefined && reason !== failure) log.error({ reason }, 'database unavailable; retrying');
    if (reason === undefined && failure !== undefined) log.info('database available again');
    failure = reason;
  }

  async function repeating(step: () => Promise<void>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await step();
      await pause(clock, LOOK_EVERY, signal);
    }
  }

  return {
    store: (pick) => delegate((call) => using(({ stores }) => call(pick(stores)))),
    transaction: (work) => using((on) => pinned.run(on, () => on.link.transaction(work))),
    get ready() {
      return live !== undefined;
    },
    get up() {
      return live?.link.isConnected === true && failure === undefined;
    },
    get problem() {
      return live ? problemOf({ failure, refusal: refusal?.reason }) : refusal?.reason;
    },
    async keepConnected(signal) {
      // Beside each other: while a wrong string is being tried, the link in use is looked at all the same.
      await Promise.all([repeating(follow, signal), repeating(look, signal)]);
    },
    async close() {
      await Promise.all([...open].map(closeLink));
    },
  };
}

function reasonFor(target: string): (error: unknown) => string {
  return (error) => withoutSecrets(messageOf(error), target);
}

function problemOf({ failure, refusal }: Record<'failure' | 'refusal', string | undefined>): string | undefined {
  if (refusal === undefined) return failure;
  const refused = `the changed connection string cannot be used: ${refusal}`;
  return `${refused}; the one before stays in use${failure === undefined ? '' : ` and fails: ${failure}`}`;
}

/** Nobody lists the methods, so that a new one cannot be forgotten. */
function delegate<T extends StoreOf<T>>(using: <R>(call: (store: T) => Promise<R>) => Promise<R>): T {
  return new Proxy({} as T, {
    get:
      (_, method) =>
      (...parameters: unknown[]) =>
        using((store) => (store[method as keyof T] as AsyncMethod)(...parameters)),
  });
}
