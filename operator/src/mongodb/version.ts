import { mongodbVersions } from '../api/auth-stack.ts';
import type { DatabaseReadyReason, Founded, MongodbObservation } from './types.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Change, Situation } from './situation.ts';
import { mongodImage } from './stateful-set.ts';

/** The version that members are to run, and why it is not the one that was asked for. */
export interface VersionTarget {
  readonly version: string;
  readonly refusal?: { readonly reason: DatabaseReadyReason; readonly message: string };
}

/**
 * mongod starts on data of its own feature compatibility version or of the one before (mongodb.com/docs, "Upgrade a
 * Replica Set"), so an upgrade goes one major version at a time, and back only until the new version is made final.
 */
export function versionTarget(
  { stack, images }: MongodbObservation,
  identity: Founded,
  { isWhole }: { readonly isWhole: boolean },
): VersionTarget {
  const { version, featureCompatibilityVersion: stored } = identity;
  const wanted = stack.spec.mongodb.version ?? version;
  if (wanted === version) return { version };
  const allowed = versionsOn(stored);
  if (!allowed.includes(wanted)) {
    const message =
      `the data is of feature compatibility version ${stored}, on which MongoDB ${wanted} does not start; set ` +
      `spec.mongodb.version to ${allowed.join(' or ')}`;
    return { version, refusal: { reason: 'VersionRefused', message } };
  }
  if (mongodImage(stack, images, wanted) === undefined) {
    return { version, refusal: { reason: 'VersionNotOffered', message: notOffered(images, wanted) } };
  }
  // The way back is open whenever the new version does not do.
  if (isWhole || wanted === stored) return { version: wanted };
  const message = `the upgrade to MongoDB ${wanted} begins once all members serve`;
  return { version, refusal: { reason: 'UpgradePending', message } };
}

/** For so long all members have to be well on the new version before there is no way back from it. */
const WELL_FOR: Millis = 120_000;

/** Ends an upgrade. */
export function nextCompatibility({ seen, identity, primary, primaryAt }: Situation): Change | undefined {
  const { version, upgradedAt } = identity;
  if (upgradedAt === undefined || primary.agent.mongod.featureCompatibilityVersion === version) return undefined;
  const left = upgradedAt + WELL_FOR - seen.now;
  if (left > 0) {
    const why = `feature compatibility ${version} is set when all members have been well for ${Math.ceil(left / 1000)} s more`;
    return { actions: [], why };
  }
  const why = `feature compatibility ${version} is set; there is no way back to an older MongoDB`;
  return {
    actions: [{ type: 'raiseCompatibility', stack: seen.stack, member: primaryAt, version }],
    why,
    event: { type: 'Normal', reason: 'UpgradeEnds', message: why },
  };
}

export function notOffered(images: MongodbObservation['images'], version: string): string {
  const offered = Object.keys(images.mongodb).sort().join(', ');
  return `the chart has no image of MongoDB ${version}, only of ${offered}; set its value mongodb.images."${version}", or spec.mongodb.image`;
}

/** Those that start on data of a feature compatibility version. */
export function versionsOn(featureCompatibilityVersion: string): readonly string[] {
  const at = mongodbVersions.findIndex((one) => one === featureCompatibilityVersion);
  return at < 0 ? [featureCompatibilityVersion] : mongodbVersions.slice(at, at + 2);
}

/** `6.0` of `6.0.5`. */
export function majorOf(version: string | undefined): string | undefined {
  return version === undefined ? undefined : /^\d+\.\d+/.exec(version)?.[0];
}
