import type { Logger } from 'pino';
import type { FenceRequest } from '../api.ts';
import { writing } from '../volume/writing.ts';
import type { GateAndVolume } from './watch.ts';

/** From the answer on no start is permitted while the volume is fenced. A mongod that runs, or was permitted before, continues. */
export function fence(
  { gate, volume, log }: GateAndVolume & { readonly log: Logger },
  { pvcUid, fenced }: FenceRequest,
): Promise<void> {
  return gate.decide(async () => {
    await writing(() => (fenced ? volume.fence(pvcUid) : volume.unfence(pvcUid)));
    log.info({ pvcUid }, fenced ? 'the volume is fenced' : 'the volume is no longer fenced');
  });
}
