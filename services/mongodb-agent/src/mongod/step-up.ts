import type { StepUpReply, StepUpRequest } from '../api.ts';
import type { Clock } from '../clock.ts';
import { Refusal, messageOf } from '../errors.ts';
import { mayEndCatchUp } from './catch-up.ts';
import type { Voter } from './catch-up.ts';
import { readConfig } from './config.ts';
import type { Mongod } from './connection.ts';
import { code, hasCode } from './failures.ts';
import { readStatus } from './observe.ts';
import { optimeOf } from './optime.ts';
import type { StatusReply } from './replies.ts';

/** mongod waits for votes until its election has a result. */
const ELECTED_WITHIN = 5_000;
/** What a new primary waits at the most, by the settings of the replica set. */
const CATCH_UP_WITHIN = 1_000;
const LOOK_AGAIN = 20;

/**
 * Stands for election in place of a primary that has ended. The voters decide, as in every election: none of them votes for a
 * member that lacks a write it has itself. Catch-up is ended only if no voter that is reached is ahead.
 */
export async function stepUp(
  { mongod, clock }: { readonly mongod: Mongod; readonly clock: Clock },
  { term, ended }: StepUpRequest,
): Promise<StepUpReply> {
  const before = await readStatus(mongod);
  if (before.myState !== 'SECONDARY') {
    throw new Refusal('NOT_SECONDARY', `this member is ${before.myState}; only a secondary stands for election`);
  }
  if (before.term !== term) {
    throw new Refusal('TERM_CHANGED', `the set is in term ${before.term ?? 'unknown'}, not ${term}; observe it again`);
  }
  const voters = await votersOf(mongod);
  await stand(mongod);

  const deadline = clock.now() + CATCH_UP_WITHIN;
  for (;;) {
    const status = await readStatus(mongod);
    if (status.myState !== 'PRIMARY') return { catchUp: 'left' };
    if (mayEndCatchUp(votersIn(status, { voters, since: before.date }), ended)) break;
    if (clock.now() >= deadline) return { catchUp: 'left' };
    await clock.sleep(LOOK_AGAIN);
  }
  return { catchUp: await endCatchUp(mongod) };
}

async function votersOf(mongod: Mongod): Promise<ReadonlySet<string>> {
  const config = await readConfig(mongod);
  if (config.state !== 'initialized') {
    throw new Refusal('NOT_INITIALIZED', 'this member belongs to no replica set; only a secondary stands for election');
  }
  return new Set(config.reply.config.members.filter(({ votes }) => votes === 1).map(({ host }) => host));
}

async function stand(mongod: Mongod): Promise<void> {
  try {
    await mongod.command({ replSetStepUp: 1 }, { timeoutMillis: ELECTED_WITHIN });
  } catch (error) {
    if (!hasCode(error, code.commandFailed, code.electionInProgress, code.notSecondary)) throw error;
    throw new Refusal(
      'ELECTION_LOST',
      `no majority voted for this member (${messageOf(error)}); observe the set again`,
      {
        cause: error,
      },
    );
  }
}

async function endCatchUp(mongod: Mongod): Promise<StepUpReply['catchUp']> {
  try {
    await mongod.command({ replSetAbortPrimaryCatchUp: 1 });
    return 'ended';
  } catch (error) {
    // It has ended by itself, or another member is primary by now.
    if (hasCode(error, code.illegalOperation)) return 'left';
    if (error instanceof Refusal && error.code === 'NOT_PRIMARY') return 'left';
    throw error;
  }
}

function votersIn(
  { members }: StatusReply,
  { voters, since }: { readonly voters: ReadonlySet<string>; readonly since: Date | undefined },
): readonly Voter[] {
  return members
    .filter(({ name }) => voters.has(name))
    .map(({ name: host, self = false, health, lastHeartbeat, optime }) => ({
      host,
      isSelf: self,
      isReached: health === 1,
      isCompared: health === 1 && since !== undefined && lastHeartbeat !== undefined && lastHeartbeat > since,
      ...(optime && { optime: optimeOf(optime) }),
    }));
}
