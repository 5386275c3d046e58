import { changeIdentity } from '../../stored/identity.ts';
import { verdict } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import { versionsOn } from '../objects/version.ts';
import type { ReplicaSetContext } from '../replica-set/context.ts';

/** A stack that was deleted and made again takes up the old volumes only if it asks for what is on them. */
export function anotherStackAdopts({ seen: { stack }, identity }: ReplicaSetContext): DatabaseVerdict | undefined {
  const uid = stack.metadata.uid ?? '';
  if (identity.adoptedBy === uid) return undefined;
  const { version, members } = stack.spec.mongodb;
  const { version: stored, featureCompatibilityVersion } = identity;
  if (version !== undefined && !versionsOn(featureCompatibilityVersion).includes(version)) {
    return verdict(
      'False',
      'AdoptionRefused',
      `the stored database is of version ${stored}; set spec.mongodb.version: "${stored}"`,
    );
  }
  if (members < identity.members) {
    return verdict(
      'False',
      'AdoptionRefused',
      `the stored database has ${identity.members} members, and fewer might lack what was written; set ` +
        `spec.mongodb.members: ${identity.members}, and lower it once they serve`,
    );
  }
  return verdict('False', 'Starting', `the stored database (replica set ${identity.replicaSetId}) is taken up`, {
    actions: [changeIdentity(stack, identity, { 'adopted-by': uid })],
  });
}
