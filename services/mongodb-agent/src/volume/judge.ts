import type { VolumeState } from '../api.ts';

/** What mongod leaves behind when it is killed before its storage engine has written anything. */
const beforeAnyData = new Set(['lost+found', 'mongod.lock', 'journal', 'WiredTiger.lock']);

/**
 * Judges mongod's data directory by the names in it (those in the journal as `journal/<name>`).
 * An empty disk may be given a new place in the set, so what is merely damaged must never pass for empty.
 */
export function judgeFiles(names: readonly string[]): VolumeState {
  if (names.includes('WiredTiger')) return 'data';
  return names.every((name) => beforeAnyData.has(name)) ? 'empty' : 'unreadable';
}
