import { listed } from '../../runtime/listed.ts';
import { mongodbVersions } from '../../api/auth-stack/mongodb.ts';
import type { Initiated } from '../../stored/identity.ts';
import type { MongodbObservation } from '../members/observation.ts';
import type { Note } from '../members/verdict.ts';
import { mongodImage } from './pod-template.ts';

/** The version that members are to run, and why it is not the one that is requested. */
export interface VersionTarget {
  readonly version: string;
  readonly refusal?: Note;
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
  const { version, featureCompatibilityVersion: stored = version } = identity;
  const wanted = stack.spec.mongodb.version ?? version;
  if (wanted === version) return { version };
  const allowed = versionsOn(stored);
  if (!allowed.includes(wanted)) {
    const message =
      `The data has feature compatibility version ${stored}, on which MongoDB ${wanted} does not start. Set ` +
      `spec.mongodb.version to ${allowed.join(' or ')}`;
    return { version, refusal: { reason: 'VersionRefused', message } };
  }
  if (mongodImage(stack, images, wanted) === undefined) {
    return { version, refusal: { reason: 'VersionNotOffered', message: notOffered(images, wanted) } };
  }
  // The way back is open whenever the new version fails.
  if (isComplete || wanted === stored) return { version: wanted };
  const message = `The upgrade to MongoDB ${wanted} begins once all members are healthy`;
  return { version, refusal: { reason: 'UpgradePending', message } };
}

export function notOffered(images: MongodbObservation['images'], version: string): string {
  const offered = listed(Object.keys(images.mongodb).sort());
  return `The chart has no image of MongoDB ${version}, only of ${offered}. Set its value mongodb.images."${version}", or spec.mongodb.image`;
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
