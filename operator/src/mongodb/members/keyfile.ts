import { namesOf, namespaceOf } from '../../api/names.ts';
import { addressOf, isAnswering, stackRef } from './member.ts';
import type { MongodbObservation } from './observation.ts';
import { acting, waiting } from './verdict.ts';
import type { DatabaseVerdict } from './verdict.ts';

/** The keyfile that a running member has read is as good as the Secret; without one, only a backup has it. */
export function theKeyfileIsLost(seen: MongodbObservation): DatabaseVerdict | undefined {
  if (seen.keyfile.state !== 'absent') return undefined;
  return recoverKeyfile(seen) ?? waiting('KeyfileLost', keyfileLost(seen));
}

function recoverKeyfile({ stack, members }: MongodbObservation): DatabaseVerdict | undefined {
  const member = members.find((one) => isAnswering(one) && one.agent.mongod.state === 'answers');
  const address = member && addressOf(member);
  if (!member || !address) return undefined;
  const { keyfile } = namesOf(stack.metadata.name);
  const event = {
    type: 'Warning',
    reason: 'KeyfileRecovered',
    message: `Secret ${keyfile} was gone; ${member.name} had its content`,
  } as const;
  return acting('False', 'Starting', `Secret ${keyfile} is gone. Recovering it from ${member.name}.`, [
    { type: 'recoverKeyfile', stack: stackRef(stack), member: address, event },
  ]);
}

function keyfileLost({ stack }: MongodbObservation): string {
  const { keyfile, mongodb } = namesOf(stack.metadata.name);
  return (
    `Secret ${keyfile} is gone, the members cannot authenticate each other without it, and no running member answers. ` +
    `Restore it from a backup, or from a member: kubectl -n ${namespaceOf(stack)} exec ${mongodb}-0 -c mongod -- cat /gate/keyfile`
  );
}
