import { replaceIdentity } from '../../stored/identity.ts';
import { isHeldEmpty } from '../members/member.ts';
import { annotations } from '../members/requests.ts';
import { acting } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import type { ReplicaSetContext } from '../replica-set/context.ts';
import { newIdentity } from './initiate.ts';

/** Somebody who knows the id of the set accepts that its data is lost; even so only where no volume holds any. */
export function theLossIsAccepted({ seen, identity, formerMembers }: ReplicaSetContext): DatabaseVerdict | undefined {
  const { stack, members } = seen;
  if (stack.metadata.annotations?.[annotations.acceptDataLoss] !== identity.replicaSetId) return undefined;
  const firstClaimUid = members[0]?.claim?.metadata.uid;
  if (firstClaimUid === undefined || formerMembers.length > 0 || !members.every(isHeldEmpty)) return undefined;
  const { version } = identity;
  return acting(
    'False',
    'Initiating',
    `The loss of replica set ${identity.replicaSetId} was accepted. Initiating a new one`,
    [replaceIdentity(stack, identity, newIdentity(stack, { version, firstClaimUid }))],
  );
}
