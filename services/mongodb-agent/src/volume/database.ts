import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from '../errors.ts';
import { syncDirectory } from './marker.ts';

/** Where mongod's files are. */
export function databaseDir(dataDir: string): string {
  return join(dataDir, 'db');
}

/**
 * Removes mongod's files, and returns once that is on the disk. They are first renamed as a whole: were the agent killed
 * while it deletes them, a later start must not find half a database.
 */
export async function removeDatabase(dataDir: string): Promise<void> {
  const renamed = join(dataDir, 'db.wiped');
  await rm(renamed, { recursive: true, force: true });
  try {
    await rename(databaseDir(dataDir), renamed);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  await syncDirectory(dataDir);
  await rm(renamed, { recursive: true, force: true });
  await syncDirectory(dataDir);
}
