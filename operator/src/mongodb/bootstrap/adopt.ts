import { changeIdentity } from '../../stored/identity.ts';
import { acting, refusing } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import { versionsOn } from '../objects/version.ts';
import type { ReplicaSetContext } from '../replica-set/context.ts';

/** A stack that was deleted and created again adopts the old volumes only if its spec fits what is on them. */
export function theDataIsOfAnEarlierStack({
  seen: { stack },
  identity,
}: ReplicaSetContext): DatabaseVerdict | undefined {
  const uid = stack.metadata.uid ?? '';
  if (identity.adoptedBy === uid) return undefined;
  const { version, members } = stack.spec.mongodb;
  const { version: stored, featureCompatibilityVersion = stored } = identity;
  if (version !== undefined && !versionsOn(featureCompatibilityVersion).includes(version)) {
    return refusing(
      'AdoptionRefused',
      `The existing data is of MongoDB ${stored}. Set spec.mongodb.version: "${stored}" to adopt it`,
    );
  }
  if (members < identity.members) {
    return refusing(
      'AdoptionRefused',
      `The existing data has ${identity.members} members, and fewer might lack what was written. Set ` +
        `spec.mongodb.members: ${identity.members} to adopt it, and lower it once they are healthy`,
    );
  }
  return acting('False', 'Starting', `Adopting the existing data of replica set ${identity.replicaSetId}`, [
    changeIdentity(stack, identity, { adoptedBy: uid }),
  ]);
}
