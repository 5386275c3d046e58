import type { Logger } from 'pino';
import type { ReleaseRequest } from '../api.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { VolumeDisk } from '../volume/volume.ts';
import type { Gate } from './gate.ts';
import { gateState, planGate, refuseRelease } from './plan.ts';
import type { GateStep } from './plan.ts';

export interface GateAndVolume {
  readonly gate: Gate;
  readonly volume: VolumeDisk;
}

export interface GateDeps extends GateAndVolume {
  readonly clock: Clock;
  readonly log: Logger;
}

const interval = 250;

/** Permits the starts that need no operator, for as long as the agent runs. */
export async function watchGate({ clock, log, ...deps }: GateDeps, signal: AbortSignal): Promise<void> {
  let lastReport = '';
  function report(line: string, fields: object): void {
    if (line !== lastReport) log.info(fields, line);
    lastReport = line;
  }
  while (!signal.aborted) {
    try {
      const step = await look(deps);
      if (step.type === 'hold') report(`mongod is held: ${step.why}`, { wait: step.wait });
      if (step.type === 'open') report('mongod starts: the volume holds data', { wait: step.wait });
    } catch (err) {
      report(`cannot read the gate or the volume: ${messageOf(err)}`, { err });
    }
    await clock.sleep(interval, signal).catch(() => undefined);
  }
}

function look({ gate, volume }: GateAndVolume): Promise<GateStep> {
  return gate.decide(async () => {
    const files = await gate.read();
    if (gateState(files) !== 'waiting') return { type: 'nothing' };
    const step = planGate(files, await volume.read());
    if (step.type === 'open') await gate.permit(step.wait);
    return step;
  });
}

/** The operator lets mongod start on this volume, empty or not. Repeating it changes nothing. */
export function release({ gate, volume }: GateAndVolume, { pvcUid }: ReleaseRequest): Promise<void> {
  return gate.decide(async () => {
    const files = await gate.read();
    const refusal = refuseRelease({ pvcUid, volume: await volume.read(), gate: gateState(files) });
    if (refusal) throw refusal;
    await volume.claim(pvcUid);
    if (gateState(files) === 'waiting' && files.waiting !== undefined) await gate.permit(files.waiting);
  });
}
