import type { Millis } from '../../runtime/objects.ts';
import type { Step } from './change.ts';
import type { CommandableSet } from './context.ts';

/** For so long all members have to be well on the new version before there is no way back from it. */
const WELL_FOR: Millis = 120_000;

/** Ends an upgrade. */
export function nextCompatibility({ seen, identity, primary, primaryAddress }: CommandableSet): Step | undefined {
  const { version, upgradedAt } = identity;
  if (upgradedAt === undefined || primary.agent.mongod.featureCompatibilityVersion === version) return undefined;
  const left = upgradedAt + WELL_FOR - seen.now;
  if (left > 0) {
    const why = `feature compatibility ${version} is set when all members have been well for ${Math.ceil(left / 1000)} s more`;
    return { actions: [], why };
  }
  const why = `feature compatibility ${version} is set; there is no way back to an older MongoDB`;
  return {
    actions: [{ type: 'raiseCompatibility', stack: seen.stack, member: primaryAddress, version }],
    why,
    event: { type: 'Normal', reason: 'UpgradeEnds', message: why },
  };
}
