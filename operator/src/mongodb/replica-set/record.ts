import { initializedMembers } from '../members/member.ts';
import { majorOf } from '../objects/version.ts';
import { memberCountIn } from './change.ts';
import type { CommandableSet } from './context.ts';
import { unhealthyMembers } from './topology.ts';

/**
 * What the identity has to say by what the primary shows, before anything more is done: it must be true also when no
 * member can be asked. Only the entries that are not so yet.
 */
export function recordToMake(set: CommandableSet, version: string): Readonly<Record<string, string>> {
  const { seen, identity, primary, config } = set;
  const { featureCompatibilityVersion: seenVersion = identity.featureCompatibilityVersion } = primary.agent.mongod;
  const isComplete = unhealthyMembers(seen, { reporter: primary, primaryHost: primary.host }).length === 0;
  const wanted = {
    version,
    // Written before a member joins and after it left, so members from here on are never in a configuration.
    members: String(Math.max(seen.stack.spec.mongodb.members, memberCountIn(config))),
    'feature-compatibility': seenVersion,
    'upgraded-at': upgradedAt(set, { seenVersion, isComplete }),
    // Once whole, always offered: later losses are told as what they are.
    formed: isComplete || identity.formed ? 'yes' : '',
  };
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => (identity.data[key] ?? '') !== value));
}

function upgradedAt(
  { seen, identity }: CommandableSet,
  { seenVersion, isComplete }: { readonly seenVersion: string; readonly isComplete: boolean },
): string {
  const isRun = initializedMembers(seen.members).every(
    ({ agent }) => majorOf(agent.mongod.version) === identity.version,
  );
  if (seenVersion === identity.version || !isComplete || !isRun) return '';
  return new Date(identity.upgradedAt ?? seen.now).toISOString();
}
