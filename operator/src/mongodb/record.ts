import { initializedMembers } from './members.ts';
import { whoDoesNotServe } from './serving.ts';
import { membersIn } from './situation.ts';
import type { Situation } from './situation.ts';
import { majorOf } from './version.ts';

/**
 * What the identity has to say by what the primary shows, before anything more is done: it must be true also when no
 * member can be asked. Only the entries that are not so yet.
 */
export function recordToMake(situation: Situation, version: string): Readonly<Record<string, string>> {
  const { seen, identity, primary, config } = situation;
  const { featureCompatibilityVersion: seenVersion = identity.featureCompatibilityVersion } = primary.agent.mongod;
  const isWhole = whoDoesNotServe(seen, { seenBy: primary, primaryHost: primary.host }).length === 0;
  const wanted = {
    version,
    // Written before a member joins and after it left, so members from here on are never in a configuration.
    members: String(Math.max(seen.stack.spec.mongodb.members, membersIn(config))),
    'feature-compatibility': seenVersion,
    'upgraded-at': upgradedAt(situation, { seenVersion, isWhole }),
    // Once whole, always offered: later losses are told as what they are.
    formed: isWhole || identity.formed ? 'yes' : '',
  };
  return Object.fromEntries(Object.entries(wanted).filter(([key, value]) => (identity.data[key] ?? '') !== value));
}

function upgradedAt(
  { seen, identity }: Situation,
  { seenVersion, isWhole }: { readonly seenVersion: string; readonly isWhole: boolean },
): string {
  const isRun = initializedMembers(seen.members).every(
    ({ agent }) => majorOf(agent.mongod.version) === identity.version,
  );
  if (seenVersion === identity.version || !isWhole || !isRun) return '';
  return new Date(identity.upgradedAt ?? seen.now).toISOString();
}
