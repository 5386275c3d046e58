import { z } from 'zod';
import { code, hasCode } from './failures.ts';
import type { Mongod } from './connection.ts';
import { configReply } from './replies.ts';
import type { ConfigReply } from './replies.ts';

/**
 * `loading`: a configuration is on the disk and mongod has not loaded it yet. mongod answers NotYetInitialized then as
 * well, so that answer alone must not lead to a second initiation.
 */
export type SetConfig =
  | { readonly state: 'notInitialized' }
  | { readonly state: 'loading' }
  | { readonly state: 'initialized'; readonly reply: ConfigReply };

export async function readConfig(mongod: Mongod): Promise<SetConfig> {
  try {
    return { state: 'initialized', reply: configReply.parse(await mongod.command({ replSetGetConfig: 1 })) };
  } catch (error) {
    if (!hasCode(error, code.notYetInitialized)) throw error;
    const stored = storedConfigs.parse(await mongod.command({ find: 'system.replset', limit: 1 }, { db: 'local' }));
    return { state: stored.cursor.firstBatch.length === 0 ? 'notInitialized' : 'loading' };
  }
}

const storedConfigs = z.object({ cursor: z.object({ firstBatch: z.array(z.unknown()) }) });

/** Only a primary knows; it throws NOT_PRIMARY elsewhere. */
export async function isCommitted(mongod: Mongod, version: number): Promise<boolean> {
  const { config, commitmentStatus } = configReply.parse(
    await mongod.command({ replSetGetConfig: 1, commitmentStatus: true }),
  );
  return config.version >= version && commitmentStatus === true;
}
