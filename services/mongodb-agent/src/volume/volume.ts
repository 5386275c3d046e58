import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Volume } from '../api.ts';
import { Refusal, isErrno, messageOf } from '../errors.ts';
import { judgeFiles } from './judge.ts';
import { readMarker, writeMarker } from './marker.ts';
import type { Marker } from './marker.ts';

/** The member's persistent volume, as the disk tells it. */
export interface VolumeDisk {
  read(): Promise<Volume>;
  /** Writes down the claim this volume belongs to; refused when it already belongs to another. */
  claim(pvcUid: string): Promise<void>;
  /** Writes down the set whose data the volume holds; the first one stays. */
  noteReplicaSet(replicaSetId: string): Promise<void>;
}

export function openVolume(dataDir: string): VolumeDisk {
  let lastWrite: Promise<void> = Promise.resolve();

  /** One writer at a time, each seeing what the one before has written. */
  function change(next: (marker: Marker | undefined) => Marker | undefined): Promise<void> {
    const write = lastWrite.then(async () => {
      const before = await readMarker(dataDir);
      const after = next(before);
      if (after && JSON.stringify(after) !== JSON.stringify(before)) await writeMarker(dataDir, after);
    });
    lastWrite = write.catch(() => undefined);
    return write;
  }

  return {
    read: () => readVolume(dataDir),
    claim: (pvcUid) =>
      change((marker) => {
        if (marker && marker.pvcUid !== pvcUid) throw volumeMismatch(marker.pvcUid, pvcUid);
        return marker ?? { pvcUid };
      }),
    noteReplicaSet: (replicaSetId) => change((marker) => marker && { replicaSetId, ...marker }),
  };
}

export function volumeMismatch(marked: string | undefined, asked: string): Refusal {
  const seen = marked === undefined ? 'bears no claim yet' : `was released for claim ${marked}`;
  return new Refusal(
    'VOLUME_MISMATCH',
    `the volume ${seen}, the request names claim ${asked}; compare with: kubectl get pvc -o custom-columns=NAME:.metadata.name,UID:.metadata.uid`,
  );
}

async function readVolume(dataDir: string): Promise<Volume> {
  try {
    // Read for its error: without it a volume that cannot be read would look like one without a data directory.
    await readdir(dataDir);
    const files = await listIfThere(join(dataDir, 'db'));
    const journal = await listIfThere(join(dataDir, 'db', 'journal'));
    const marker = await readMarker(dataDir);
    return describe(judgeFiles([...files, ...journal.map((name) => `journal/${name}`)]), marker);
  } catch (error) {
    return { state: 'unreadable', problem: `${dataDir}: ${messageOf(error)}` };
  }
}

function describe(state: Volume['state'], marker: Marker | undefined): Volume {
  if (state !== 'unreadable') return { state, ...marker };
  const problem = 'the data directory holds files but no WiredTiger file: damaged, or not written by mongod';
  return { state, ...marker, problem };
}

async function listIfThere(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
