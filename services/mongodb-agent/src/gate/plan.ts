import type { GateState, Volume } from '../api.ts';

/** What lies in the gate's directory; each value is the UUID of one start of the mongod container. */
export interface GateFiles {
  /** Written by the gate: this start waits. */
  readonly waiting?: string;
  /** Written by the agent: its word for one start. */
  readonly release?: string;
  /** Written by the gate: the start that last became mongod. */
  readonly opened?: string;
}

export function gateState({ waiting, release, opened }: GateFiles): GateState {
  if (waiting === undefined) return opened === undefined ? 'unknown' : 'released';
  return waiting === release ? 'released' : 'waiting';
}

export type GateStep =
  | { readonly type: 'nothing' }
  | { readonly type: 'open'; readonly wait: string }
  | { readonly type: 'hold'; readonly wait: string; readonly why: string };

/**
 * What the agent does by itself, with no operator in sight: members with data come back, so that a
 * cluster that restarts as a whole heals; a disk without data could elect a lagging primary from
 * its old place in the set, so it waits until the operator has given it a new one.
 */
export function planGate(files: GateFiles, volume: Volume): GateStep {
  const { waiting: wait } = files;
  if (wait === undefined || gateState(files) !== 'waiting') return { type: 'nothing' };
  switch (volume.state) {
    case 'data':
      return { type: 'open', wait };
    case 'empty':
      return { type: 'hold', wait, why: 'the volume is empty; the operator must release it' };
    case 'unreadable':
      return { type: 'hold', wait, why: `the volume cannot be judged: ${volume.problem ?? 'unknown cause'}` };
  }
}
