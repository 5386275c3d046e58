import type { Logger } from 'pino';
import { compareOptimes } from '../api.ts';
import type { Clock } from '../clock.ts';
import { Refusal } from '../errors.ts';
import type { Mongod } from './connection.ts';
import { readStatus } from './observe.ts';
import { optimeOf } from './optime.ts';
import type { StatusReply } from './replies.ts';

export interface FollowDeps {
  readonly mongod: Mongod;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A member that has ended is known to be down by the second look. */
const LOOK_AGAIN = 500;
/** Each try signs in anew, and mongod logs it. */
const TRY_AGAIN = 5_000;

/**
 * mongod goes on trying a source for as long as that counts as up. One that has ended does not for long; one that is
 * silent does for ten seconds, and then its secondary is told to follow the new primary.
 */
export async function followPrimaries(deps: FollowDeps, signal: AbortSignal): Promise<void> {
  const { clock, log } = deps;
  let seen: Turn | undefined;
  while (!signal.aborted) {
    let pause = LOOK_AGAIN;
    try {
      seen = await look(deps, seen);
    } catch (error) {
      if (!(error instanceof Refusal)) log.error({ err: error }, 'whom mongod replicates from could not be looked at');
      pause = TRY_AGAIN;
    }
    await clock.sleep(pause, signal).catch(() => undefined);
  }
}

/** It is told at the second look, and only once: mongod stops when it is told the source that it has just chosen by itself. */
async function look({ mongod, log }: FollowDeps, seen: Turn | undefined): Promise<Turn | undefined> {
  const turn = turnOf(await readStatus(mongod));
  if (!turn) return seen;
  if (turn.to !== seen?.to) return turn;
  if (seen.isDone) return seen;
  await mongod.command({ replSetSyncFrom: turn.to });
  log.info({ silent: turn.from, primary: turn.to }, 'the primary fell silent; mongod was told of the new one');
  return { ...turn, isDone: true };
}

interface Turn {
  readonly from: string;
  readonly to: string;
  readonly isDone?: true;
}

/**
 * From a primary of before, that counts as up, to the one elected last. Told too early, mongod finds that the new one is not ahead
 * yet, and sleeps for a second.
 */
export function turnOf({ myState, syncSourceHost, optimes, members }: StatusReply): Turn | undefined {
  const primaries = members.filter(({ state, health }) => state === 'PRIMARY' && health === 1);
  const [elected] = primaries.toSorted((a, b) => electedAt(b) - electedAt(a));
  const source = primaries.find(({ name }) => name === syncSourceHost);
  if (myState !== 'SECONDARY' || !source || !elected?.optime || source === elected || !optimes) return undefined;
  const isAhead = compareOptimes(optimeOf(elected.optime), optimeOf(optimes.appliedOpTime)) > 0;
  return isAhead ? { from: source.name, to: elected.name } : undefined;
}

function electedAt({ electionDate }: StatusReply['members'][number]): number {
  return electionDate?.getTime() ?? 0;
}
