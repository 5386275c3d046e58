import { constants, getPriority, platform, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { hashSync, verifySync } from '@node-rs/argon2';
import type { HashJob, HashReply, HashResult } from './hash-job.ts';

/** What runs in a hashing thread; it is a file of its own in the image. */

const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** A third of the event loop's share where both want the same core; more would starve hashes beside other busy processes. */
const NICER_BY = 5;

// On Linux a priority belongs to a thread (setpriority(2), "C library/kernel differences"), elsewhere to the process.
if (platform() === 'linux') setPriority(Math.min(getPriority() + NICER_BY, constants.priority.PRIORITY_LOW));

parentPort?.on('message', (job: HashJob) => {
  parentPort?.postMessage(reply(job));
});

function reply(job: HashJob): HashReply {
  try {
    return { type: 'done', result: perform(job) };
  } catch (error) {
    return { type: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

function perform(job: HashJob): HashResult {
  switch (job.type) {
    case 'hash':
      return { isEqual: false, phc: hashed(job.password, job.pepper) };
    case 'verify': {
      const isEqual = verifySync(job.phc, job.password, { secret: job.pepper });
      const phc = isEqual && job.renewWith ? hashed(job.password, job.renewWith) : undefined;
      return { isEqual, phc };
    }
  }
}

function hashed(password: string, pepper: Uint8Array): string {
  return hashSync(password, { ...cost, secret: pepper });
}
