import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';
import { Refusal } from '../errors.ts';
import { readConfig } from './config.ts';
import type { Mongod } from './connection.ts';
import { readStatus } from './observe.ts';
import { optimeOf } from './optime.ts';
import type { StatusReply } from './replies.ts';
import { stepDown } from './step-down.ts';
import { successionOf } from './succession.ts';
import type { Fellow, Succession } from './succession.ts';
import { nextTurn } from './turn.ts';
import type { Turning } from './turn.ts';

export interface HandOverDeps {
  readonly mongod: Mongod;
  /** A connection to another member, as the configuration names it. */
  readonly connect: (host: string) => Mongod;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Mostly it takes 0.1 s, and one second more for each time that the source was not ahead. */
const FOLLOW_WITHIN = 10_000;
const ELECTED_WITHIN = 3_000;
const LOOK_AGAIN = 20;

/**
 * Before mongod is told to end: nobody replicates from this member any more, and if it was primary, another one is. A
 * hand-over that fails leaves it to what mongod does by itself when it ends.
 */
export async function leave(deps: HandOverDeps): Promise<void> {
  const status = await readStatus(deps.mongod);
  const next = await successionIn(status, deps);
  if (!next) return;
  await turnTo(next, deps);
  if (status.myState !== 'PRIMARY') return;
  await stepDown(deps.mongod);
  await untilElected(deps);
}

/** Hands over to a caught-up member; a member that is not primary has nothing to hand over. */
export async function handOver(deps: HandOverDeps): Promise<void> {
  const status = await readStatus(deps.mongod);
  if (status.myState !== 'PRIMARY') return;
  const next = await successionIn(status, deps);
  if (next) await turnTo(next, deps);
  await stepDown(deps.mongod);
}

async function successionIn(status: StatusReply, { mongod }: HandOverDeps): Promise<Succession | undefined> {
  const config = await readConfig(mongod);
  const self = status.members.find((member) => member.self);
  if (config.state !== 'initialized' || !self) return undefined;
  const others = status.members.filter((member) => member !== self).map(fellowOf);
  return successionOf({ self: fellowOf(self), others, config: config.reply.config.members });
}

function fellowOf({ name: host, health, state, optime }: StatusReply['members'][number]): Fellow {
  return {
    host,
    isHealthySecondary: health === 1 && state === 'SECONDARY',
    isPrimary: health === 1 && state === 'PRIMARY',
    ...(optime && { optime: optimeOf(optime) }),
  };
}

async function turnTo(succession: Succession, deps: HandOverDeps): Promise<void> {
  const { heir, followers, from } = succession;
  const { log, mongod, connect } = deps;
  if (followers.length === 0) return;
  const primary = from === undefined ? mongod : connect(heir);
  try {
    await Promise.all(
      followers.map(async (follower) => {
        const member = connect(follower);
        try {
          if (await turn({ member, primary }, succession, deps)) return;
          log.warn({ follower, heir }, 'a member goes on replicating from one that leaves');
        } catch (err) {
          log.warn({ err, follower, heir }, 'a member could not be told whom to replicate from');
        } finally {
          await member.close();
        }
      }),
    );
  } finally {
    if (primary !== mongod) await primary.close();
  }
}

/** Meanwhile there is always something new to replicate, so that the heir is ahead of whoever shall turn. */
async function turn(
  { member, primary }: { readonly member: Mongod; readonly primary: Mongod },
  succession: Succession,
  { clock }: HandOverDeps,
): Promise<boolean> {
  const deadline = clock.now() + FOLLOW_WITHIN;
  let turning: Turning = {};
  while (clock.now() < deadline) {
    const { syncSourceHost: source = '', optimes } = await readStatus(member);
    const applied = optimes && { applied: optimeOf(optimes.appliedOpTime) };
    const next = nextTurn(turning, { source, now: clock.now(), ...applied }, succession);
    if (next.type === 'done') return true;
    if (next.type === 'tell') await member.command({ replSetSyncFrom: succession.heir });
    turning = next.turning;
    await primary.command({ appendOplogNote: 1, data: { note: 'a member leaves' } });
    await clock.sleep(LOOK_AGAIN);
  }
  return false;
}

async function untilElected({ mongod, clock }: HandOverDeps): Promise<void> {
  const deadline = clock.now() + ELECTED_WITHIN;
  while (!(await readStatus(mongod)).members.some(({ state, self }) => state === 'PRIMARY' && self !== true)) {
    if (clock.now() >= deadline) throw new Refusal('NO_SUCCESSOR', 'stepped down, and no other member is primary yet');
    await clock.sleep(LOOK_AGAIN);
  }
}
