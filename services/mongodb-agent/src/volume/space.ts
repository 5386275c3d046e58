import { statfs } from 'node:fs/promises';
import type { Volume } from '../api.ts';

export type Space = Pick<Volume, 'capacityBytes' | 'availableBytes'>;

/** Of the file system; `availableBytes` is what a process without root's reserve may still write. */
export async function readSpace(dataDir: string): Promise<Space> {
  try {
    const { bsize, blocks, bavail } = await statfs(dataDir);
    return { capacityBytes: blocks * bsize, availableBytes: bavail * bsize };
  } catch {
    // The state of the volume already has the reason.
    return {};
  }
}
