import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Gate } from './gate.ts';

export interface LeaveDeps {
  readonly gate: Gate;
  /** What is to be done while mongod still runs. */
  readonly leave: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
}

const interval = 100;

/** Answers the container's preStop hook, which holds back the signal that ends mongod, once there is nothing left to hand over. */
export async function watchLeave({ gate, leave, clock, log }: LeaveDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const { leaving, left } = await gate.read();
      if (leaving !== undefined && leaving !== left) {
        await leave().catch((error: unknown) => {
          log.warn({ err: error }, `mongod hands over by itself when it ends: ${messageOf(error)}`);
        });
        await gate.mayLeave(leaving);
      }
    } catch (err) {
      log.error({ err }, `cannot read or answer the preStop hook: ${messageOf(err)}`);
    }
    await clock.sleep(interval, signal).catch(() => undefined);
  }
}
