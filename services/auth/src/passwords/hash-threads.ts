import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { HashJob, HashReply, HashResult } from './hash-job.ts';

/** Threads that only hash: libuv's pool is also the way of files and DNS, which a flood of sign-ins would keep waiting. */
export interface HashThreads extends AsyncDisposable {
  readonly count: number;
  /** At most as many at once as there are threads. */
  readonly run: (job: HashJob) => Promise<HashResult>;
}

/** The event loop keeps a core for itself: where a container's CPU is limited, a lower priority alone does not leave it one. */
export function hashingCores(available: number): number {
  return Math.max(1, available - 1);
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
