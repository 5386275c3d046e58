import type { Logger } from 'pino';
import type { WipeRequest } from '../api.ts';
import { writing } from '../volume/writing.ts';
import type { GateAndVolume } from './watch.ts';
import { gateState, planWipe } from './plan.ts';

/** Empties a fenced volume. Interrupted at whatever moment it can be repeated: the fence is removed last. */
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
