import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '@authstack/http-service/errors';
import type { Logger } from 'pino';
import type { z } from 'zod';

/*
 * What the operator has told a pod, kept where it outlives the container: kubelet may show a container that starts an older
 * mount than the one before it has seen, and a key that was taken away must not come back with it.
 *
 *   told ──► in effect ──► written beside, flushed, renamed ──► the operator is answered
 *   start ──► read, before any listener opens
 *
 * The folder goes with the pod, and the next pod mounts what is current. Nothing in it is secret.
 */

/** Of one thing that is told. */
export interface Memory<Value> {
  /** What was kept before this process began. */
  readonly before: Value | undefined;
  /** In the background; whoever must know that it is kept waits for `settled`. */
  keep(value: Value): void;
  /** Nothing is being written any more. It never rejects: what cannot be kept is logged. */
  settled(): Promise<void>;
}

export interface MemoryOptions<Value> {
  /** Absent: nothing is kept. */
  readonly folder: string | undefined;
  readonly file: string;
  readonly schema: z.ZodType<Value>;
  readonly log: Logger;
}

export function openMemory<Value>({ folder, file, schema, log }: MemoryOptions<Value>): Memory<Value> {
  if (folder === undefined) return forgetful();
  const path = join(folder, file);
  let writing = Promise.resolve();
  let problem: string | undefined;

  async function write(value: Value): Promise<void> {
    try {
      await writeFile(`${path}.new`, JSON.stringify(value), { flush: true });
      await rename(`${path}.new`, path);
      problem = undefined;
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== problem) {
        log.error({ path, reason }, 'what the operator told cannot be kept: it ends with the container');
      }
      problem = reason;
    }
  }

  return {
    before: readBefore(path, schema, log),
    keep(value) {
      writing = writing.then(() => write(value));
    },
    settled: () => writing,
  };
}

/** It ends with the process. */
export function forgetful<Value>(): Memory<Value> {
  return { before: undefined, keep: () => undefined, settled: () => Promise.resolve() };
}

function readBefore<Value>(path: string, schema: z.ZodType<Value>, log: Logger): Value | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    log.error({ path, reason: messageOf(error) }, 'what was told before this start cannot be read, and is not used');
    return undefined;
  }
}
