import type { GateState, Volume } from '../api.ts';
import { Refusal } from '../errors.ts';
import { volumeMismatch } from '../volume/mismatch.ts';

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
  if (volume.fenced) return { type: 'hold', wait, why: fenced };
  switch (volume.state) {
    case 'data':
      return { type: 'open', wait };
    case 'empty':
      return { type: 'hold', wait, why: 'the volume is empty; the operator must release it' };
    case 'unreadable':
      return { type: 'hold', wait, why: `the volume cannot be judged: ${volume.problem ?? 'unknown cause'}` };
  }
}

const fenced =
  'the volume is fenced; whether that is still wanted say the annotations authstack.dev/fence-member and ' +
  'authstack.dev/resync-member of its AuthStack';

/** The operator asks for something to be done with the volume of this claim. */
export interface Asked {
  readonly pvcUid: string;
  readonly volume: Volume;
  readonly gate: GateState;
}

type Rule = (asked: Asked) => Refusal | undefined;

/** Why mongod is not let go although the operator asks for it. */
export function refuseRelease(asked: Asked): Refusal | undefined {
  return firstRefusal([isFenced, cannotBeJudged, wasReleasedForAnotherClaim, hasNotCome], asked);
}

export type WipeStep =
  { readonly type: 'nothing' } | { readonly type: 'wipe' } | { readonly type: 'refuse'; readonly refusal: Refusal };

export function planWipe(asked: Asked): WipeStep {
  const refusal = firstRefusal([isNotMarkedForTheClaim, mayRun, mayStart], asked);
  if (refusal) return { type: 'refuse', refusal };
  return asked.volume.fenced ? { type: 'wipe' } : { type: 'nothing' };
}

function firstRefusal(rules: readonly Rule[], asked: Asked): Refusal | undefined {
  for (const rule of rules) {
    const refusal = rule(asked);
    if (refusal) return refusal;
  }
  return undefined;
}

function isFenced({ volume }: Asked): Refusal | undefined {
  return volume.fenced ? new Refusal('VOLUME_FENCED', `nothing starts here: ${fenced}`) : undefined;
}

function cannotBeJudged({ volume }: Asked): Refusal | undefined {
  if (volume.state !== 'unreadable') return undefined;
  const why = volume.problem ?? 'unknown cause';
  return new Refusal('VOLUME_UNREADABLE', `nothing starts on a volume that cannot be judged: ${why}`);
}

function wasReleasedForAnotherClaim({ volume, pvcUid }: Asked): Refusal | undefined {
  if (volume.pvcUid === undefined || volume.pvcUid === pvcUid) return undefined;
  return volumeMismatch(volume.pvcUid, pvcUid);
}

function hasNotCome({ gate }: Asked): Refusal | undefined {
  if (gate !== 'unknown') return undefined;
  const message = 'the mongod container has not come to its gate yet; ask again once gate is "waiting"';
  return new Refusal('GATE_NOT_WAITING', message);
}

function isNotMarkedForTheClaim({ volume, pvcUid }: Asked): Refusal | undefined {
  return volume.pvcUid === pvcUid ? undefined : volumeMismatch(volume.pvcUid, pvcUid);
}

function mayRun({ gate }: Asked): Refusal | undefined {
  if (gate === 'waiting') return undefined;
  const message = `a volume is wiped while mongod waits at its gate, and the gate is "${gate}"; fence it and restart the pod`;
  return new Refusal('VOLUME_IN_USE', message);
}

/** An empty volume without a fence is what a wipe leaves. */
function mayStart({ volume }: Asked): Refusal | undefined {
  if (volume.fenced || volume.state === 'empty') return undefined;
  return new Refusal('VOLUME_IN_USE', 'mongod may start on this volume at any moment; fence it first');
}
