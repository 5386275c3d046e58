import type { VolumeState } from '../api.ts';

/** What mongod leaves behind when it is killed before its storage engine has written anything. */
const beforeAnyData = new Set(['lost+found', 'mongod.lock', 'journal', 'WiredTiger.lock']);

/**
 * Classifies mongod's data directory by the names in it (those in the journal as `journal/<name>`).
 * The operator adds a member with an empty disk to the set anew, so damage must never be classified as empty.
 */
export function classifyFiles(names: readonly string[]): VolumeState {
  if (names.includes('WiredTiger')) return 'data';
  return names.every((name) => beforeAnyData.has(name)) ? 'empty' : 'unreadable';
}
