import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Refusal, isErrno, messageOf } from '../errors.ts';

const marker = z.strictObject({
  pvcUid: z.string().min(1),
  replicaSetId: z.string().min(1).exactOptional(),
  fenced: z.literal(true).exactOptional(),
});

/**
 * A file on the volume: the claim it was released for, the replica set whose data it holds, and whether mongod may start
 * on it. To an agent that knows fewer fields the marker is damaged, so that agent permits no start either.
 */
export type Marker = z.infer<typeof marker>;

/** It exists and cannot be parsed. */
export class MarkerDamaged extends Refusal {
  constructor(path: string, cause: unknown) {
    super('VOLUME_UNREADABLE', `${path} is damaged: ${messageOf(cause)}`, { cause });
  }
}

const fileName = 'authstack.json';

export async function readMarker(dataDir: string): Promise<Marker | undefined> {
  const path = join(dataDir, fileName);
  const content = await readIfThere(path);
  if (content === undefined) return undefined;
  try {
    return marker.parse(JSON.parse(content));
  } catch (error) {
    throw new MarkerDamaged(path, error);
  }
}

/** All or nothing, and on the disk before it returns: the start that is permitted afterwards relies on it. */
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
  await syncDirectory(dataDir);
}

/** Flushes the entries of the directory to the disk. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
