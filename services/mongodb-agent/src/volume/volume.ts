import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Volume } from '../api.ts';
import { isErrno, messageOf } from '../errors.ts';
import { oneAtATime } from '../one-at-a-time.ts';
import { databaseDir, removeDatabase } from './database.ts';
import { classifyFiles } from './classify.ts';
import { MarkerDamaged, readMarker, writeMarker } from './marker.ts';
import type { Marker } from './marker.ts';
import { volumeMismatch } from './mismatch.ts';
import { readSpace } from './space.ts';

/** The member's persistent volume. */
export interface VolumeDisk {
  read(): Promise<Volume>;
  /** Records the claim that this volume belongs to; refused when it already belongs to another. */
  claim(pvcUid: string): Promise<void>;
  /** Records the replica set whose data the volume holds; the first one stays. */
  noteReplicaSet(replicaSetId: string): Promise<void>;
  /** Records that mongod may not start on it; refused when it belongs to another claim. */
  fence(pvcUid: string): Promise<void>;
  unfence(pvcUid: string): Promise<void>;
  /** Removes the database, then the fence and the set's id; interrupted, it leaves a fenced volume. */
  wipe(pvcUid: string): Promise<void>;
}

type Change = (marker: Marker | undefined) => Marker | undefined;

export function openVolume(dataDir: string): VolumeDisk {
  const serialize = oneAtATime();

  /** One writer at a time, each reading what the one before has written. */
  function change(next: Change, read = readMarker): Promise<void> {
    return serialize(async () => {
      const before = await read(dataDir);
      const after = next(before);
      if (after && !isDeepStrictEqual(after, before)) await writeMarker(dataDir, after);
    });
  }

  return {
    read: () => readVolume(dataDir),
    claim: (pvcUid) => change((marker) => ({ pvcUid, ...ownMarker(marker, pvcUid) })),
    noteReplicaSet: (replicaSetId) => change((marker) => marker && { replicaSetId, ...marker }),
    fence: (pvcUid) =>
      change((marker) => ({ pvcUid, ...ownMarker(marker, pvcUid), fenced: true }), readMarkerUnlessDamaged),
    unfence: (pvcUid) => change((marker) => withoutFence(ownMarker(marker, pvcUid))),
    wipe: (pvcUid) =>
      serialize(async () => {
        const marker = await readMarker(dataDir);
        if (marker?.pvcUid !== pvcUid) throw volumeMismatch(marker?.pvcUid, pvcUid);
        await removeDatabase(dataDir);
        await writeMarker(dataDir, { pvcUid });
      }),
  };
}

function ownMarker(marker: Marker | undefined, pvcUid: string): Marker | undefined {
  if (marker && marker.pvcUid !== pvcUid) throw volumeMismatch(marker.pvcUid, pvcUid);
  return marker;
}

function withoutFence(marker: Marker | undefined): Marker | undefined {
  if (!marker) return undefined;
  const { fenced: _, ...rest } = marker;
  return rest;
}

/** A damaged volume is repaired while it is fenced, so a damaged marker must not prevent the fence. */
async function readMarkerUnlessDamaged(dataDir: string): Promise<Marker | undefined> {
  try {
    return await readMarker(dataDir);
  } catch (error) {
    if (error instanceof MarkerDamaged) return undefined;
    throw error;
  }
}

async function readVolume(dataDir: string): Promise<Volume> {
  // A wipe removes the data before the fence, so in this order nobody observes data without its fence.
  const marked = await readMarked(dataDir);
  return { ...(await classify(dataDir)), ...marked, ...(await readSpace(dataDir)) };
}

type Classified = Pick<Volume, 'state' | 'problem'>;

/** A marker that cannot be read makes the volume unreadable, whatever else is on it. */
async function readMarked(dataDir: string): Promise<Partial<Marker> | Classified> {
  try {
    return (await readMarker(dataDir)) ?? {};
  } catch (error) {
    return { state: 'unreadable', problem: `${dataDir}: ${messageOf(error)}` };
  }
}

async function classify(dataDir: string): Promise<Classified> {
  try {
    // For its error: otherwise a volume that cannot be read would look like one without a data directory.
    await readdir(dataDir);
    const files = await listIfThere(databaseDir(dataDir));
    const journal = await listIfThere(join(databaseDir(dataDir), 'journal'));
    const state = classifyFiles([...files, ...journal.map((name) => `journal/${name}`)]);
    if (state !== 'unreadable') return { state };
    const problem = 'the data directory holds files but no WiredTiger file: damaged, or not written by mongod';
    return { state, problem };
  } catch (error) {
    return { state: 'unreadable', problem: `${dataDir}: ${messageOf(error)}` };
  }
}

async function listIfThere(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
