import { changeIdentity } from '../../stored/identity.ts';
import type { IdentityChange } from '../../stored/identity.ts';
import type { MongodbAction } from '../members/action.ts';
import { initializedMembers } from '../members/member.ts';
import { membersTemplate } from '../objects/pod-template.ts';
import { majorOf } from '../objects/version.ts';
import type { CommandableSet } from './context.ts';
import { memberCountIn } from './topology.ts';

/**
 * What the identity has to hold by what the primary reports, before anything more is done: it must be true also when no
 * member can be asked. No action where it holds that already.
 */
export function recordWhatIsSeen(set: CommandableSet): readonly MongodbAction[] {
  const { seen, identity, config } = set;
  const wanted: IdentityChange = {
    version: versionToRecord(set),
    // Stored before a member joins and after it left, so members from here on are never in a configuration.
    members: Math.max(seen.stack.spec.mongodb.members, memberCountIn(seen, config)),
    featureCompatibilityVersion: compatibilityOf(set),
    upgradedAt: upgradedAt(set),
    // From the first time that all members serve on, losing one of them is a degradation.
    formed: set.unhealthy.length === 0 ? seen.stack.spec.mongodb.members : identity.formed,
  };
  const isRecorded = (Object.keys(wanted) as (keyof IdentityChange)[]).every((key) => wanted[key] === identity[key]);
  return isRecorded ? [] : [changeIdentity(seen.stack, identity, wanted)];
}

/** Before any pod may start with it, so that what the data was opened with is never unknown. */
function versionToRecord({ seen, identity, target }: CommandableSet): string {
  return membersTemplate(seen, target.version).pending === undefined ? target.version : identity.version;
}

function compatibilityOf({ identity, primary }: CommandableSet): string | undefined {
  return primary.agent.mongod.featureCompatibilityVersion ?? identity.featureCompatibilityVersion;
}

function upgradedAt(set: CommandableSet): number | undefined {
  const { seen, identity, unhealthy } = set;
  const isRun = initializedMembers(seen.members).every(
    ({ agent }) => majorOf(agent.mongod.version) === identity.version,
  );
  const stored = compatibilityOf(set) ?? identity.version;
  if (stored === identity.version || unhealthy.length > 0 || !isRun) return undefined;
  return identity.upgradedAt ?? seen.now;
}
