import { compareOptimes } from '../api.ts';
import type { Optime } from '../api.ts';

/** A voting member as a new primary knows it. */
export interface Voter {
  readonly host: string;
  readonly isSelf: boolean;
  /** As far as heartbeats tell. */
  readonly isReached: boolean;
  /** It has answered since this member stood for election. */
  readonly isCompared: boolean;
  /** Of the last write that it has applied; absent: none that is known. */
  readonly optime?: Optime;
}

/**
 * Whether a new primary would find nothing more by waiting for writes of others: every voter that is reached has been
 * compared, they are a majority with it, and none is ahead. The one that has ended is not waited for: what it alone had, no
 * majority ever acknowledged.
 */
export function mayEndCatchUp(voters: readonly Voter[], ended: string): boolean {
  const self = voters.find(({ isSelf }) => isSelf);
  if (!self?.optime) return false;
  const own = self.optime;
  // One that is back already is a voter like the others.
  const others = voters.filter((voter) => !voter.isSelf && (voter.host !== ended || voter.isCompared));
  const compared = others.filter(({ isCompared }) => isCompared);
  if (others.some(({ isReached, isCompared }) => isReached && !isCompared)) return false;
  if (compared.length + 1 <= voters.length / 2) return false;
  return compared.every(({ optime }) => optime !== undefined && compareOptimes(own, optime) >= 0);
}
