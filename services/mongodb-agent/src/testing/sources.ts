import { z } from 'zod';
import { systemClock } from '../clock.ts';
import { direct } from './direct.ts';
import { eventually } from './pod.ts';
import type { Pod } from './pod.ts';

/** So that whoever shall be replicated from is ahead. */
export function writing(pod: Pod): AsyncDisposable {
  const ending = new AbortController();
  const mongod = direct(pod);
  const written = (async () => {
    while (!ending.signal.aborted) {
      await mongod.command({ insert: 'kept', documents: [{}] }, { db: 'auth' }).catch(() => undefined);
      await systemClock.sleep(10);
    }
    await mongod.close();
  })();
  return {
    [Symbol.asyncDispose]: () => {
      ending.abort();
      return written;
    },
  };
}

/** mongod turns only to a source that is ahead, so it is told until one was. */
export async function replicatesFrom(pod: Pod, source: string): Promise<void> {
  await using mongod = direct(pod);
  const look = async (): Promise<string> => {
    const now = await sourceOf(pod);
    if (now !== source) await mongod.command({ replSetSyncFrom: source });
    return now;
  };
  await eventually(look, { holds: (now) => now === source });
}

export async function sourceOf(pod: Pod): Promise<string> {
  await using mongod = direct(pod);
  return z.object({ syncSourceHost: z.string() }).parse(await mongod.command({ replSetGetStatus: 1 })).syncSourceHost;
}
