import { Refusal, messageOf } from '../errors.ts';
import type { Mongod } from './connection.ts';
import { code, hasCode } from './failures.ts';

/** Long enough for the pod to be stopped meanwhile, short enough not to cost the set a candidate for long. */
const awaySeconds = 30;
const catchUpSeconds = 5;

/** mongod has a caught-up member stand before its timeout. */
export async function stepDown(mongod: Mongod): Promise<void> {
  try {
    await mongod.command(
      { replSetStepDown: awaySeconds, secondaryCatchUpPeriodSecs: catchUpSeconds },
      { timeoutMillis: (catchUpSeconds + 4) * 1_000 },
    );
  } catch (error) {
    if (error instanceof Refusal && error.code === 'NOT_PRIMARY') return;
    if (!hasCode(error, code.exceededTimeLimit, code.maxTimeExpired)) throw error;
    throw new Refusal(
      'NO_SUCCESSOR',
      `no electable member caught up within ${catchUpSeconds} s, so this one stays primary: ${messageOf(error)}`,
      { cause: error },
    );
  }
}
