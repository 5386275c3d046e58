import type { Logger } from 'pino';
import type { FenceRequest } from '../api.ts';
import { writing } from '../volume/writing.ts';
import type { GateAndVolume } from './keeper.ts';

/** From the answer on no start is let go while the fence stands. A mongod that runs, or was let go before, goes on. */
export function fence(
  { gate, volume, log }: GateAndVolume & { readonly log: Logger },
  { pvcUid, fenced }: FenceRequest,
): Promise<void> {
  return gate.decide(async () => {
    await writing(() => (fenced ? volume.fence(pvcUid) : volume.unfence(pvcUid)));
    log.info({ pvcUid }, fenced ? 'the volume is fenced' : 'the volume has no fence');
  });
}
