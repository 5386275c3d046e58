import type { GateState, Volume } from '../api.ts';
import { Refusal } from '../errors.ts';
import { volumeMismatch } from '../volume/mismatch.ts';

/** What lies in the gate's directory; each value is the UUID of one start of the mongod container. */
export interface GateFiles {
  /** Written by the gate: this start waits. */
  readonly waiting?: string;
  /** Written by the agent: the permit for one start. */
  readonly release?: string;
  /** Written by the gate: the start that last became mongod. */
  readonly opened?: string;
  /** Written by the preStop hook: mongod will be told to end once the agent has answered. */
  readonly leaving?: string;
  /** Written by the agent: the hook that was answered last. */
  readonly left?: string;
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
 * What the agent decides without the operator. Members with data start, so a cluster that restarts as a whole recovers.
 * A member with an empty disk could elect a lagging primary from its old place in the set, so it waits until the operator
 * has given it a new one.
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
      return { type: 'hold', wait, why: `the volume is unreadable: ${volume.problem ?? 'unknown cause'}` };
  }
}

const fenced =
  'the volume is fenced, see the annotations authstack.dev/fence-member and authstack.dev/resync-member of its AuthStack';

/** What the operator asks for, and what the agent observed when it did. */
export interface VolumeRequest {
  readonly pvcUid: string;
  readonly volume: Volume;
  readonly gate: GateState;
}

type Rule = (request: VolumeRequest) => Refusal | undefined;

/** Why mongod may not start although the operator releases the volume. */
export function refuseRelease(request: VolumeRequest): Refusal | undefined {
  return firstRefusal([isFenced, isUnreadable, wasReleasedForAnotherClaim, hasNotReachedItsGate], request);
}

export type WipeStep =
  { readonly type: 'nothing' } | { readonly type: 'wipe' } | { readonly type: 'refuse'; readonly refusal: Refusal };

export function planWipe(request: VolumeRequest): WipeStep {
  const refusal = firstRefusal([isMarkedForAnotherClaim, mayRun, mayStart], request);
  if (refusal) return { type: 'refuse', refusal };
  return request.volume.fenced ? { type: 'wipe' } : { type: 'nothing' };
}

function firstRefusal(rules: readonly Rule[], request: VolumeRequest): Refusal | undefined {
  for (const rule of rules) {
    const refusal = rule(request);
    if (refusal) return refusal;
  }
  return undefined;
}

function isFenced({ volume }: VolumeRequest): Refusal | undefined {
  return volume.fenced ? new Refusal('VOLUME_FENCED', `mongod does not start: ${fenced}`) : undefined;
}

function isUnreadable({ volume }: VolumeRequest): Refusal | undefined {
  if (volume.state !== 'unreadable') return undefined;
  const why = volume.problem ?? 'unknown cause';
  return new Refusal('VOLUME_UNREADABLE', `mongod does not start on an unreadable volume: ${why}`);
}

function wasReleasedForAnotherClaim({ volume, pvcUid }: VolumeRequest): Refusal | undefined {
  if (volume.pvcUid === undefined || volume.pvcUid === pvcUid) return undefined;
  return volumeMismatch(volume.pvcUid, pvcUid);
}

function hasNotReachedItsGate({ gate }: VolumeRequest): Refusal | undefined {
  if (gate !== 'unknown') return undefined;
  const message = 'the mongod container has not reached its gate yet; retry once gate is "waiting"';
  return new Refusal('GATE_NOT_WAITING', message);
}

function isMarkedForAnotherClaim({ volume, pvcUid }: VolumeRequest): Refusal | undefined {
  return volume.pvcUid === pvcUid ? undefined : volumeMismatch(volume.pvcUid, pvcUid);
}

function mayRun({ gate }: VolumeRequest): Refusal | undefined {
  if (gate === 'waiting') return undefined;
  const message = `mongod may be running: the gate is "${gate}", not "waiting"; fence the volume and restart the pod before the wipe`;
  return new Refusal('VOLUME_IN_USE', message);
}

/** An empty volume without a fence is what a wipe leaves. */
function mayStart({ volume }: VolumeRequest): Refusal | undefined {
  if (volume.fenced || volume.state === 'empty') return undefined;
  return new Refusal('VOLUME_IN_USE', 'mongod may start on this volume at any moment; fence the volume first');
}
