import { listed } from '../../runtime/listed.ts';
import { isAnswering, stateOf } from '../members/member.ts';
import { acting } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import { diagnosisOf } from '../objects/diagnosis.ts';
import type { ReplicaSetContext } from './context.ts';
import { keepRunning } from './keep-running.ts';

/** A replica set has seven at most, and each state matters. */
const EVERY_MEMBER = 7;

/** The members elect one as soon as a majority of them runs; until then, why they do not. */
export function noPrimaryIsSeen(context: ReplicaSetContext): DatabaseVerdict | undefined {
  if (context.topology) return undefined;
  const { seen } = context;
  const actions = keepRunning(context);
  const diagnosis = diagnosisOf(seen);
  const answers = seen.members.some(isAnswering);
  if (diagnosis) {
    // Nobody could be asked, so nothing is known; a member that answers and has no primary knows something.
    const status = diagnosis.reason === 'MembersUnreachable' && !answers ? 'Unknown' : 'False';
    return acting(status, diagnosis.reason, diagnosis.message, actions);
  }
  if (!answers) return acting('False', 'Starting', 'The members are starting', actions);
  const states = listed(
    seen.members.map((member) => `${member.name}: ${stateOf(member)}`),
    EVERY_MEMBER,
  );
  return acting(
    'False',
    'NoPrimary',
    `No member is primary (${states}). An election needs a majority of them`,
    actions,
  );
}
