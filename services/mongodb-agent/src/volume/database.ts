import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../errors.ts';
import { syncDirectory } from './marker.ts';

/** Where mongod's files are. */
export function databaseDir(dataDir: string): string {
  return join(dataDir, 'db');
}

/**
 * Removes mongod's files, and returns once that is on the disk. They go out of mongod's sight all at once:
 * were the agent killed while it deletes them, half a database must not be found by a start that is let go later.
 */
export async function removeDatabase(dataDir: string): Promise<void> {
  const condemned = join(dataDir, 'db.wiped');
  await rm(condemned, { recursive: true, force: true });
  try {
    await rename(databaseDir(dataDir), condemned);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  await syncDirectory(dataDir);
  await rm(condemned, { recursive: true, force: true });
  await syncDirectory(dataDir);
}
