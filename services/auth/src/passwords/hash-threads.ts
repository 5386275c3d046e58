import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { HashJob, HashReply, HashResult } from './hash-job.ts';

/** Threads that only hash: libuv's pool is also the way of files and DNS, which a flood of sign-ins would keep waiting. */
export interface HashThreads extends AsyncDisposable {
  readonly count: number;
  /** At most as many at once as there are threads. */
  readonly run: (job: HashJob) => Promise<HashResult>;
}

/** What the process may use. */
export interface Machine {
  /** Threads of it that can run at once: node:os, which knows of quotas. */
  readonly parallelism: number;
  readonly cores: number;
  /** Bytes; 0 where nothing limits them. */
  readonly memory: number;
}

const MiB = 2 ** 20;
/** The 19 MiB that a hash fills, and a heap of its own. */
const MEMORY_OF_THREAD = 32 * MiB;
/** The other half is for whoever answers requests. */
const MEMORY_FOR_THREADS = 1 / 2;

/** One for each core: the event loop has the priority where both want the same. */
export function hashingThreads({ parallelism, cores, memory }: Machine): number {
  // A quota knows no priorities: once hashes have used it up, the event loop stands still until it is renewed.
  const wanted = parallelism < cores ? parallelism - 1 : parallelism;
  const fitting = memory === 0 ? wanted : Math.floor((memory * MEMORY_FOR_THREADS) / MEMORY_OF_THREAD);
  return Math.max(1, Math.min(wanted, fitting));
}

/** Its own file in the image, too: cluster/images.ts. */
const program = new URL(`./hash-thread${extname(import.meta.url)}`, import.meta.url);

export class HashThreadEnded extends Error {
  override readonly name: string = 'HashThreadEnded';
}

export function createHashThreads(count: number): HashThreads {
  const threads = Array.from({ length: count }, () => new HashThread());
  return {
    count,
    run(job) {
      const free = threads.find(({ isFree }) => isFree);
      if (!free) throw new RangeError(`all ${count} hashing threads are busy`);
      return free.run(job);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(threads.map((thread) => thread.end()));
    },
  };
}

/** Begins with its first job, and anew with the next one after it has ended. */
class HashThread {
  private worker: Worker | undefined;
  private job: PromiseWithResolvers<HashResult> | undefined;

  get isFree(): boolean {
    return this.job === undefined;
  }

  async run(job: HashJob): Promise<HashResult> {
    const pending = Promise.withResolvers<HashResult>();
    this.job = pending;
    const worker = (this.worker ??= this.begin());
    // An idle thread keeps no process alive.
    worker.ref();
    worker.postMessage(job);
    try {
      return await pending.promise;
    } finally {
      this.job = undefined;
      worker.unref();
    }
  }

  async end(): Promise<void> {
    await this.worker?.terminate();
  }

  private begin(): Worker {
    // The flags of the process are not meant for its threads, and some refuse a file.
    const worker = new Worker(program, { name: 'password-hash', execArgv: [] });
    const ended = (cause?: unknown): void => {
      if (this.worker !== worker) return;
      this.worker = undefined;
      this.job?.reject(new HashThreadEnded('a hashing thread ended before its hash', { cause }));
    };
    worker.on('message', (reply: HashReply) => {
      if (reply.type === 'done') this.job?.resolve(reply.result);
      else this.job?.reject(new Error(`hash a password: ${reply.message}`));
    });
    worker.on('error', ended);
    worker.on('exit', () => {
      ended();
    });
    return worker;
  }
}
