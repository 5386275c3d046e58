import { setTimeout as pause } from 'node:timers/promises';
import { MongoError } from 'mongodb';
import type { ClientSession, ClusterTime, Collection, MongoClient, Timestamp } from 'mongodb';
import { DatabaseClients } from './database-clients.ts';
import type { Stack } from './stack.ts';

interface Entry {
  readonly _id: number;
}

/** The outcome of the writes and reads of one run. */
export interface WriteReport {
  /** Writes that a majority acknowledged; none of them may ever be missing. */
  readonly acknowledged: number;
  /** Acknowledged, and missing at the end or in a majority read in between. */
  readonly lost: readonly number[];
  /** Writes that failed without a retry. */
  readonly refused: number;
  /** Writes that failed although the driver retried them once, as that of the auth service does. */
  readonly refusedAfterRetry: number;
  /** The causes of those, each once: when in the run, after how long, which error. */
  readonly causes: readonly string[];
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

/** When, in the logical time of the database. */
interface Moment {
  readonly operationTime: Timestamp | undefined;
  readonly clusterTime: ClusterTime | undefined;
}

/** A write each 50 ms whether the ones before are answered or not, so that one stuck connection hides nothing. */
const EVERY = 50;
/** How many causes a report names. */
const MOST_CAUSES = 10;
/** How often it reads the credentials, as the auth service does. */
const LOOK_EVERY = 1_000;

/**
 * Writes with w: majority, reads with majority read concern, and records what was acknowledged. Its reads are causally consistent: without that, a primary that was just elected may answer from before the
 * write, which is late and not lost (mongodb.com/docs, "Causal Consistency and Read and Write Concerns"). It connects to
 * the members directly, as a service in the cluster does.
 */
export class RecordingClient implements AsyncDisposable {
  private readonly acknowledged: Acknowledged[] = [];
  private readonly missing = new Set<number>();
  private readonly causes: string[] = [];
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

  /** Begins once the first write is acknowledged. */
  static async start(stack: Stack): Promise<RecordingClient> {
    const recorder = new RecordingClient(await DatabaseClients.of(stack));
    try {
      await recorder.collection(recorder.clients.retrying).insertOne({ _id: -1 });
    } catch (error) {
      await recorder[Symbol.asyncDispose]();
      throw error;
    }
    recorder.lastAcknowledgedAt = performance.now();
    recorder.begin();
    return recorder;
  }

  /** In the order in which they were acknowledged. */
  get history(): readonly Acknowledged[] {
    return this.acknowledged;
  }

  /** Throws unless a write was acknowledged after that moment on performance.now(). */
  acknowledgedSince(at: number): Promise<void> {
    if (this.lastAcknowledgedAt > at) return Promise.resolve();
    return Promise.reject(new Error(`no write was acknowledged for ${Math.round(performance.now() - at)} ms`));
  }

  /** Stops, waits for what is under way, and counts; needs a primary. */
  async end(): Promise<WriteReport> {
    await this.stop();
    await this.clients.signIn();
    const reader = this.clients.retrying;
    const found = await this.after(this.acknowledged, reader, (session) =>
      this.collection(reader)
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
      causes: this.causes,
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

  /** Up to now, also when no write was acknowledged since. */
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
        // While Secret or API server are unavailable it keeps the credentials that it has.
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
    } catch (error) {
      this.counts[counter] += 1;
      if (counter === 'refusedAfterRetry' && this.causes.length < MOST_CAUSES) this.causes.push(causeOf(error, begun));
      return;
    }
    const now = performance.now();
    this.acknowledged.push({ _id, at: now, took: now - begun, moment });
    this.endGap(now);
  }

  /** A random one of the acknowledged writes. */
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
    return client.db().collection<Entry>('recorder', { writeConcern: { w: 'majority' } });
  }
}

function causeOf(error: unknown, begun: number): string {
  const after = `at ${new Date().toISOString()} after ${Math.round(performance.now() - begun)} ms`;
  if (!(error instanceof MongoError)) return `${after}: ${String(error)}`;
  const cause = error.cause === undefined ? '' : `, because of ${String(error.cause)}`;
  return `${after}: ${error.name} ${String(error.code ?? '')} ${error.message} [${error.errorLabels.join(', ')}]${cause}`;
}
