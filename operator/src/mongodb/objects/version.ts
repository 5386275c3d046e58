import { mongodbVersions } from '../../api/auth-stack.ts';
import type { Initiated } from '../../stored/identity.ts';
import type { DatabaseReadyReason, MongodbObservation } from '../members/types.ts';
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
  identity: Initiated,
  { isComplete }: { readonly isComplete: boolean },
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
  if (isComplete || wanted === stored) return { version: wanted };
  const message = `the upgrade to MongoDB ${wanted} begins once all members serve`;
  return { version, refusal: { reason: 'UpgradePending', message } };
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
