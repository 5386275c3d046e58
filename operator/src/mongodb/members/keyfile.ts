import { namesOf, namespaceOf } from '../../api/names.ts';
import { addressOf, isAnswering } from './member.ts';
import type { MongodbObservation } from './types.ts';
import { verdict } from './verdict.ts';
import type { DatabaseVerdict } from './verdict.ts';

/** Only what a mongod runs with can be right. */
export function recoverKeyfile({ stack, members }: MongodbObservation): DatabaseVerdict | undefined {
  const member = members.find((one) => isAnswering(one) && one.agent.mongod.state === 'answers');
  const at = member && addressOf(member);
  if (!member || !at) return undefined;
  const { keyfile } = namesOf(stack.metadata.name);
  return verdict('False', 'Starting', `Secret ${keyfile} is gone and made again from what ${member.name} runs with`, {
    actions: [{ type: 'recoverKeyfile', stack, member: at }],
    events: [
      {
        type: 'Warning',
        reason: 'KeyfileRecovered',
        message: `Secret ${keyfile} was gone; ${member.name} has its content`,
      },
    ],
  });
}

export function keyfileLost(stack: MongodbObservation['stack']): string {
  const { keyfile: name, mongodb } = namesOf(stack.metadata.name);
  return (
    `Secret ${name} is gone, and with it the members' way to each other, and no member that runs answers; restore it from ` +
    `a backup, or from a member: kubectl -n ${namespaceOf(stack)} exec ${mongodb}-0 -c mongod -- cat /gate/keyfile`
  );
}

/** What a member has read of it is as good as the Secret. */
export function theKeyfileIsLost(seen: MongodbObservation): DatabaseVerdict | undefined {
  const { stack, keyfile } = seen;
  if (keyfile.state === 'present') return undefined;
  return recoverKeyfile(seen) ?? verdict('False', 'KeyfileLost', keyfileLost(stack));
}
