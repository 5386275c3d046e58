import { changeIdentity } from '../../stored/identity.ts';
import { isHeldEmpty } from '../members/member.ts';
import { annotations } from '../members/requests.ts';
import { verdict } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import type { ReplicaSetContext } from '../replica-set/context.ts';

/** Somebody who knows the set's id says that its data may be given up; even so only where no volume holds any. */
export function theLossIsAccepted({ seen, identity, formerMembers }: ReplicaSetContext): DatabaseVerdict | undefined {
  const { stack, members } = seen;
  if (stack.metadata.annotations?.[annotations.acceptDataLoss] !== identity.replicaSetId) return undefined;
  const uid = members[0]?.claim?.metadata.uid;
  if (uid === undefined || formerMembers.length > 0 || !members.every(isHeldEmpty)) return undefined;
  const afresh = {
    ...{ 'replica-set-id': '', credentials: '', formed: '', 'next-member-id': '1' },
    ...{ members: '', 'feature-compatibility': '', 'upgraded-at': '', rebuilding: '', rebuilt: '' },
  };
  return verdict(
    'False',
    'Founding',
    `the loss of replica set ${identity.replicaSetId} was accepted; a new one begins`,
    {
      actions: [changeIdentity(stack, identity, { ...afresh, state: 'founding', 'founder-pvc-uid': uid })],
    },
  );
}
