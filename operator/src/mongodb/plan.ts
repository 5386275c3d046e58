import { namesOf, namespaceOf } from '../api/names.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Plan, Stalled } from '../planning.ts';
import type { Initiated } from '../stored/identity.ts';
import { theLossIsAccepted } from './bootstrap/accept-data-loss.ts';
import { anotherStackAdopts } from './bootstrap/adopt.ts';
import { beginInitiating, planInitiating, whereToLook } from './bootstrap/initiate.ts';
import { theKeyfileIsLost } from './members/keyfile.ts';
import { addressOf } from './members/member.ts';
import type { DatabaseReadyReason, MongodbAction, MongodbObservation, MongodbStatus } from './members/types.ts';
import { verdict } from './members/verdict.ts';
import type { DatabaseVerdict } from './members/verdict.ts';
import { mongodImage } from './objects/stateful-set.ts';
import { notOffered } from './objects/version.ts';
import { replicaSetContext } from './replica-set/context.ts';
import type { ReplicaSetContext } from './replica-set/context.ts';
import { nextGrowth } from './replica-set/growth.ts';
import { asServed } from './replica-set/health.ts';
import {
  aMajorityOfDisksIsEmpty,
  aMemberBelongsToAnotherSet,
  aMemberIsToBeUnfenced,
  noPrimaryIsSeen,
  theMembersHibernate,
} from './replica-set/no-primary.ts';
import { planServing } from './replica-set/serving.ts';
import { statusOf } from './replica-set/status.ts';
import { aCredentialIsNotStored, theUsersAreNotInTheDatabase } from './replica-set/users.ts';

export type MongodbPlan = Plan<MongodbAction, MongodbStatus>;

type Rule = (seen: MongodbObservation) => DatabaseVerdict | undefined;

/** What must be so before a member may exist; then the set is founded, and then it is kept. */
const rules: readonly Rule[] = [
  aSecretIsNotOurs,
  theIdentityCannotBeRead,
  theVersionIsNotOffered,
  theAgentsHaveNoCertificate,
  ({ identity, ...seen }) => (identity.state === 'absent' ? beginInitiating({ ...seen, identity }) : undefined),
  (seen) => (seen.identity.state === 'founding' ? planInitiating(seen, seen.identity) : undefined),
  (seen) => (seen.identity.state === 'founded' ? planInitiated(seen, seen.identity) : undefined),
];

/** First what forbids to start anything, then what keeps the members from serving, then what they lack. */
const initiatedRules: readonly ((context: ReplicaSetContext) => DatabaseVerdict | undefined)[] = [
  anotherStackAdopts,
  ({ seen }) => theKeyfileIsLost(seen),
  aMemberBelongsToAnotherSet,
  aCredentialIsNotStored,
  theMembersHibernate,
  theLossIsAccepted,
  aMajorityOfDisksIsEmpty,
  aMemberIsToBeUnfenced,
  noPrimaryIsSeen,
  theUsersAreNotInTheDatabase,
  planServing,
];

function planInitiated(seen: MongodbObservation, identity: Initiated): DatabaseVerdict | undefined {
  const context = replicaSetContext(seen, identity);
  for (const rule of initiatedRules) {
    const step = rule(context);
    if (step) return step;
  }
  return undefined;
}

const IN_MOTION: Millis = 1_500;
const AT_REST: Millis = 10_000;
/** Only deadlines pass meanwhile: everything but what agents say is watched. */
const NOBODY_TO_ASK: Millis = 30_000;

function recheckIn({ members }: MongodbObservation, reason: DatabaseReadyReason): Millis {
  if (members.every((member) => addressOf(member) === undefined)) return NOBODY_TO_ASK;
  return atRest.has(reason) ? AT_REST : IN_MOTION;
}

export function planMongodb(seen: MongodbObservation): MongodbPlan {
  const step = asServed(seen, firstAnswer(seen));
  const { status, reason, message, actions, events } = step;
  const stalled = stalledBy(seen, step);
  return {
    // Growth also without a primary, for full volumes may be why there is none; and last, so that it holds nothing up.
    actions: [...actions, ...(nextGrowth(seen)?.actions ?? [])],
    conditions: [{ type: 'DatabaseReady', status, reason, message }],
    status: statusOf(seen),
    recheckAt: seen.now + recheckIn(seen, reason),
    ...(events && { events }),
    ...(stalled && { stalled }),
  };
}

/** Nothing is under way, or only people can bring it on; what they change is seen by the watch, too. */
const atRest: ReadonlySet<DatabaseReadyReason> = new Set([
  'AllMembersHealthy',
  'UpgradePending',
  'VersionRefused',
  'VolumeFull',
  'VolumeCannotGrow',
  'RequestInvalid',
  'Hibernated',
  'IdentityNotOwned',
  'SecretNotOwned',
  'IdentityMalformed',
  'VersionNotOffered',
  'AdoptionRefused',
  'KeyfileLost',
  'ForeignData',
]);

function firstAnswer(seen: MongodbObservation): DatabaseVerdict {
  for (const rule of rules) {
    const step = rule(seen);
    if (step) return step;
  }
  throw new TypeError('planMongodb: every state of the identity has a rule');
}

function aSecretIsNotOurs({ stack, identity, ...seen }: MongodbObservation): DatabaseVerdict | undefined {
  const names = namesOf(stack.metadata.name);
  const foreign = [
    [names.identity, identity],
    [names.keyfile, seen.keyfile],
    [names.rootUser, seen.rootUser],
    [names.authUser, seen.authUser],
  ].find((pair): pair is [string, { state: 'foreign' }] => (pair[1] as { state: string }).state === 'foreign');
  if (!foreign) return undefined;
  const [name] = foreign;
  return verdict(
    'False',
    name === names.identity ? 'IdentityNotOwned' : 'SecretNotOwned',
    `Secret ${name} exists and was not made by the operator; it is left alone. Rename or delete it: ` +
      `kubectl -n ${namespaceOf(stack)} get secret ${name} --show-labels`,
  );
}

function theIdentityCannotBeRead({ stack, identity }: MongodbObservation): DatabaseVerdict | undefined {
  if (identity.state !== 'malformed') return undefined;
  const name = namesOf(stack.metadata.name).identity;
  return verdict(
    'False',
    'IdentityMalformed',
    `Secret ${name} cannot be read (${identity.why}); restore it from a backup, or delete it to have it made again from ` +
      `what the members say: kubectl -n ${namespaceOf(stack)} delete secret ${name}`,
  );
}

function theVersionIsNotOffered({ stack, images, identity }: MongodbObservation): DatabaseVerdict | undefined {
  const version = versionToRun({ stack, images, identity });
  if (mongodImage(stack, images, version) !== undefined) return undefined;
  return verdict('False', 'VersionNotOffered', notOffered(images, version));
}

/** What was recorded; as long as nothing is founded on it, what is asked for. */
function versionToRun({ stack, images, identity }: Pick<MongodbObservation, 'stack' | 'images' | 'identity'>): string {
  if (identity.state === 'founded') return identity.version;
  const recorded = identity.state === 'founding' ? identity.version : images.defaultVersion;
  return stack.spec.mongodb.version ?? recorded;
}

function theAgentsHaveNoCertificate({ stack, hasAgentCertificate }: MongodbObservation): DatabaseVerdict | undefined {
  if (hasAgentCertificate) return undefined;
  const name = namesOf(stack.metadata.name).agentTls;
  return verdict(
    'False',
    'WaitingForCertificates',
    `Secret ${name} with the certificate of the members' agents is being made`,
  );
}

/** How long the database may be away before somebody should look. */
const PATIENCE: Millis = 300_000;

function stalledBy(
  { stack, now, ...seen }: MongodbObservation,
  { status, reason, message }: DatabaseVerdict,
): Stalled | undefined {
  if (status === 'True') return undefined;
  const stored = stack.status?.conditions?.find(({ type }) => type === 'DatabaseReady');
  if (stored?.status !== status || now - Date.parse(stored.lastTransitionTime) < PATIENCE) return undefined;
  return { reason, message: `${message} (${whereToLook({ stack, now, ...seen })})` };
}
