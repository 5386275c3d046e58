import { setTimeout as pause } from 'node:timers/promises';
import type { ClientSession, ClusterTime, Collection, MongoClient, Timestamp } from 'mongodb';
import { DatabaseClients } from './database-clients.ts';
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
  readonly moment: Moment;
}

/** When it was, in the time of the database. */
interface Moment {
  readonly operationTime: Timestamp | undefined;
  readonly clusterTime: ClusterTime | undefined;
}

/** A write each 50 ms whether the ones before are answered or not, so that one stuck connection hides nothing. */
const EVERY = 50;
/** How often it looks for other credentials, as the auth service does. */
const LOOK_EVERY = 1_000;

/**
 * A client with a memory: writes with w: majority, reads with majority read concern, and knows afterwards what it was
 * promised. Its reads are causally consistent: without that, a primary that was just elected may answer from before the
 * write, which is late and not lost (mongodb.com/docs, "Causal Consistency and Read and Write Concerns"). It speaks to the
 * members themselves, as a service in the cluster does.
 */
export class Oracle implements AsyncDisposable {
  private readonly acknowledged: Acknowledged[] = [];
  private readonly missing = new Set<number>();
  private readonly counts = { refused: 0, refusedAfterRetry: 0, readsRefused: 0 };
  private readonly clients: DatabaseClients;
  private readonly ending = new AbortController();
  private readonly pending = new Set<Promise<void>>();
  private next = 0;
  private isClosed = false;
  private lastAcknowledgedAt = performance.now();
  private longestGap = 0;

  private constructor(clients: DatabaseClients) {
    this.clients = clients;
  }

  /** Begins to write once the database takes the first write. */
  static async watch(stack: Stack): Promise<Oracle> {
    const oracle = new Oracle(await DatabaseClients.of(stack));
    try {
      await oracle.collection(oracle.clients.retrying).insertOne({ _id: -1 });
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
    await this.clients.signIn();
    const judge = this.clients.retrying;
    const found = await this.after(this.acknowledged, judge, (session) =>
      this.collection(judge)
        .find({}, { session, readConcern: 'majority', projection: { _id: 1 } })
        .toArray(),
    );
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
    await this.clients[Symbol.asyncDispose]();
  }

  private async stop(): Promise<void> {
    if (!this.ending.signal.aborted) this.endGap();
    this.ending.abort();
    await Promise.all(this.pending);
  }

  /** Up to now, also when nothing ever came after. */
  private endGap(now = performance.now()): void {
    this.longestGap = Math.max(this.longestGap, now - this.lastAcknowledgedAt);
    this.lastAcknowledgedAt = now;
  }

  private begin(): void {
    const run = async (): Promise<void> => {
      while (!this.ending.signal.aborted) {
        const { plain, retrying } = this.clients;
        this.start(this.write(plain, 'refused'));
        this.start(this.read());
        if (this.next % 4 === 0) this.start(this.write(retrying, 'refusedAfterRetry'));
        await pause(EVERY);
      }
    };
    const follow = async (): Promise<void> => {
      while (!this.ending.signal.aborted) {
        // While Secret or API server are away it goes on with the credentials that it has.
        await this.clients.signIn().catch(() => undefined);
        await pause(LOOK_EVERY);
      }
    };
    this.start(run());
    this.start(follow());
  }

  private start(work: Promise<void>): void {
    const tracked = work.finally(() => this.pending.delete(tracked));
    this.pending.add(tracked);
  }

  private async write(client: MongoClient, counter: 'refused' | 'refusedAfterRetry'): Promise<void> {
    const _id = this.next++;
    const begun = performance.now();
    let moment: Moment;
    try {
      moment = await client.withSession(async (session) => {
        await this.collection(client).insertOne({ _id }, { session });
        return { operationTime: session.operationTime, clusterTime: session.clusterTime };
      });
    } catch {
      this.counts[counter] += 1;
      return;
    }
    const now = performance.now();
    this.acknowledged.push({ _id, at: now, took: now - begun, moment });
    this.endGap(now);
  }

  /** One of the writes so far, by chance. */
  private async read(): Promise<void> {
    const one = this.acknowledged[Math.floor(Math.random() * this.acknowledged.length)];
    if (!one) return;
    const { _id } = one;
    try {
      const client = this.clients.plain;
      const found = await this.after([one], client, (session) =>
        this.collection(client).findOne({ _id }, { session, readConcern: 'majority' }),
      );
      if (!found) this.missing.add(_id);
    } catch {
      this.counts.readsRefused += 1;
    }
  }

  /** In a session that has seen these writes. */
  private after<T>(
    writes: readonly Acknowledged[],
    client: MongoClient,
    read: (session: ClientSession) => Promise<T>,
  ): Promise<T> {
    return client.withSession({ causalConsistency: true }, (session) => {
      for (const { moment } of writes) {
        if (moment.clusterTime) session.advanceClusterTime(moment.clusterTime);
        if (moment.operationTime) session.advanceOperationTime(moment.operationTime);
      }
      return read(session);
    });
  }

  private collection(client: MongoClient): Collection<Entry> {
    return client.db().collection<Entry>('oracle', { writeConcern: { w: 'majority' } });
  }
}
