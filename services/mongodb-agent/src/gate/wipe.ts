import type { Logger } from 'pino';
import type { WipeRequest } from '../api.ts';
import { writing } from '../volume/writing.ts';
import type { GateAndVolume } from './keeper.ts';
import { gateState, planWipe } from './plan.ts';

/** Makes a fenced volume an empty one. Cut off at whatever moment it may be asked for again: the fence goes last. */
export function wipe(
  { gate, volume, log }: GateAndVolume & { readonly log: Logger },
  { pvcUid }: WipeRequest,
): Promise<void> {
  return gate.decide(async () => {
    const step = planWipe({ pvcUid, volume: await volume.read(), gate: gateState(await gate.read()) });
    if (step.type === 'refuse') throw step.refusal;
    if (step.type === 'nothing') return;
    log.warn({ pvcUid }, 'the volume is being wiped');
    await writing(() => volume.wipe(pvcUid));
    log.warn({ pvcUid }, 'the volume was wiped');
  });
}
