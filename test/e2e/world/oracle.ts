import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import type { Collection } from 'mongodb';
import { memberLookup, openClient, reachPods } from './pod-network.ts';
import type { Stack } from './stack.ts';

interface Entry {
  readonly _id: number;
}

/** What became of the writes and reads of one stretch of time. */
export interface Verdict {
  /** Writes that a majority acknowledged; each of them must be there for ever. */
  readonly acknowledged: number;
  /** Acknowledged, and not there in the end, or not at a majority read in between. */
  readonly lost: readonly number[];
  /** Writes that failed, none of them tried again. */
  readonly refused: number;
  /** Writes of a client that lets the driver try once more, as the auth service does, and that failed even so. */
  readonly refusedAfterRetry: number;
  readonly readsRefused: number;
  /** The longest time without an acknowledged write, in milliseconds. */
  readonly longestGap: number;
}

/** A write that was acknowledged, on performance.now(). */
export interface Acknowledged {
  readonly _id: number;
  readonly at: number;
  readonly took: number;
}

/** A write each 50 ms whether the ones before are answered or not, so that one stuck connection hides nothing. */
const EVERY = 50;
/** As the auth service: a write that takes longer has failed. */
const WITHIN = 10_000;

/**
 * A client with a memory: writes with w: majority, reads with majority read concern, and knows afterwards what it was
 * promised. It speaks to the members themselves, as a service in the cluster does.
 */
export class Oracle implements AsyncDisposable {
  private readonly acknowledged: Acknowledged[] = [];
  private readonly missing = new Set<number>();
  private readonly counts = { refused: 0, refusedAfterRetry: 0, readsRefused: 0 };
  private readonly plain: MongoClient;
  private readonly retrying: MongoClient;
  private readonly client: AsyncDisposable;
  private readonly ending = new AbortController();
  private readonly pending = new Set<Promise<void>>();
  private next = 0;
  private isClosed = false;
  private lastAcknowledgedAt = performance.now();
  private longestGap = 0;

  private constructor(plain: MongoClient, retrying: MongoClient, client: AsyncDisposable) {
    this.plain = plain;
    this.retrying = retrying;
    this.client = client;
  }

  /** Begins to write once the database takes the first write. */
  static async watch(stack: Stack): Promise<Oracle> {
    await reachPods();
    const { uri = '' } = await stack.secret('mongodb-auth-user');
    const client = await openClient();
    const lookup = memberLookup(client, stack.namespace);
    const connect = (retryWrites: boolean): MongoClient =>
      new MongoClient(uri, {
        retryWrites,
        retryReads: false,
        lookup,
        serverSelectionTimeoutMS: WITHIN,
        socketTimeoutMS: WITHIN,
        waitQueueTimeoutMS: WITHIN,
        wtimeoutMS: WITHIN,
        connectTimeoutMS: 2_000,
        heartbeatFrequencyMS: 1_000,
        maxPoolSize: 200,
      });
    const oracle = new Oracle(connect(false), connect(true), client);
    try {
      await oracle.collection(oracle.retrying).insertOne({ _id: -1 });
    } catch (error) {
      await oracle[Symbol.asyncDispose]();
      throw error;
    }
    oracle.lastAcknowledgedAt = performance.now();
    oracle.begin();
    return oracle;
  }

  /** In the order in which they were acknowledged. */
  get history(): readonly Acknowledged[] {
    return this.acknowledged;
  }

  /** Throws unless a write was acknowledged within the last second. */
  isAnswered(): Promise<void> {
    const silent = Math.round(performance.now() - this.lastAcknowledgedAt);
    if (silent < 1_000) return Promise.resolve();
    return Promise.reject(new Error(`no write was acknowledged for ${silent} ms`));
  }

  /** Stops, waits for what is under way, and counts; the database must take writes. */
  async end(): Promise<Verdict> {
    await this.stop();
    const found = await this.collection(this.retrying)
      .find({}, { readConcern: 'majority', projection: { _id: 1 } })
      .toArray();
    const there = new Set(found.map(({ _id }) => _id));
    for (const { _id } of this.acknowledged) if (!there.has(_id)) this.missing.add(_id);
    await this[Symbol.asyncDispose]();
    return {
      acknowledged: this.acknowledged.length,
      lost: [...this.missing].sort((a, b) => a - b),
      ...this.counts,
      longestGap: Math.round(this.longestGap),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    if (this.isClosed) return;
    this.isClosed = true;
    await Promise.all([this.plain.close(), this.retrying.close()]);
    await this.client[Symbol.asyncDispose]();
  }

  private async stop(): Promise<void> {
    this.ending.abort();
    await Promise.all(this.pending);
  }

  private begin(): void {
    const run = async (): Promise<void> => {
      while (!this.ending.signal.aborted) {
        this.start(this.write(this.plain, 'refused'));
        this.start(this.read());
        if (this.next % 4 === 0) this.start(this.write(this.retrying, 'refusedAfterRetry'));
        await pause(EVERY);
      }
    };
    this.start(run());
  }

  private start(work: Promise<void>): void {
    const tracked = work.finally(() => this.pending.delete(tracked));
    this.pending.add(tracked);
  }

  private async write(client: MongoClient, counter: 'refused' | 'refusedAfterRetry'): Promise<void> {
    const _id = this.next++;
    const begun = performance.now();
    try {
      await this.collection(client).insertOne({ _id });
    } catch {
      this.counts[counter] += 1;
      return;
    }
    const now = performance.now();
    this.acknowledged.push({ _id, at: now, took: now - begun });
    this.longestGap = Math.max(this.longestGap, now - this.lastAcknowledgedAt);
    this.lastAcknowledgedAt = now;
  }

  /** One of the writes so far, by chance. */
  private async read(): Promise<void> {
    const one = this.acknowledged[Math.floor(Math.random() * this.acknowledged.length)];
    if (!one) return;
    const { _id } = one;
    try {
      const found = await this.collection(this.plain).findOne({ _id }, { readConcern: 'majority' });
      if (!found) this.missing.add(_id);
    } catch {
      this.counts.readsRefused += 1;
    }
  }

  private collection(client: MongoClient): Collection<Entry> {
    return client.db().collection<Entry>('oracle', { writeConcern: { w: 'majority' } });
  }
}
