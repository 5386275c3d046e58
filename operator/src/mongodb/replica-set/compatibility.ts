import type { Millis } from '../../runtime/objects.ts';
import { stackRef } from '../members/member.ts';
import type { CommandableSet } from './context.ts';
import type { Step } from './step.ts';

/** All members have to be healthy on the new version for so long before the way back to the old one is closed. */
const SOAK_TIME: Millis = 120_000;

/** The last step of an upgrade. */
export function nextCompatibility({ seen, identity, primary, primaryAddress }: CommandableSet): Step | undefined {
  const { version, upgradedAt, featureCompatibilityVersion = 'the older version' } = identity;
  if (upgradedAt === undefined || primary.agent.mongod.featureCompatibilityVersion === version) return undefined;
  const left = upgradedAt + SOAK_TIME - seen.now;
  if (left > 0) {
    const message =
      `MongoDB feature compatibility ${version} will be set in ${Math.ceil(left / 1000)}s; until then you can go back ` +
      `to ${featureCompatibilityVersion}`;
    return { actions: [], message };
  }
  const message = `Setting MongoDB feature compatibility ${version}; an older MongoDB cannot use the data from now on`;
  const event = { type: 'Normal', reason: 'UpgradeEnds', message } as const;
  return {
    actions: [{ type: 'raiseCompatibility', stack: stackRef(seen.stack), member: primaryAddress, version, event }],
    message,
  };
}
