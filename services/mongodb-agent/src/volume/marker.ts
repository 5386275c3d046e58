import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isErrno } from '../errors.ts';

const marker = z.strictObject({ pvcUid: z.string().min(1), replicaSetId: z.string().min(1).exactOptional() });

/** What the volume says of itself: the claim it was released for, and the set whose data it holds. */
export type Marker = z.infer<typeof marker>;

const fileName = 'authstack.json';

export async function readMarker(dataDir: string): Promise<Marker | undefined> {
  try {
    return marker.parse(JSON.parse(await readFile(join(dataDir, fileName), 'utf8')));
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** All or nothing, and on the disk before it returns: the word given afterwards relies on it. */
export async function writeMarker(dataDir: string, content: Marker): Promise<void> {
  const path = join(dataDir, fileName);
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(content)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const directory = await open(dataDir, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
