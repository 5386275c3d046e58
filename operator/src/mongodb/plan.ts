import { namesOf, namespaceOf } from '../api/names.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Plan, Stalled } from '../planning.ts';
import { planExternal } from './external.ts';
import { planFounded } from './founded.ts';
import { beginFounding, planFounding, whereToLook } from './founding.ts';
import { nextGrowth } from './growth.ts';
import { reached } from './members.ts';
import { asServed } from './serving.ts';
import { mongodImage } from './stateful-set.ts';
import { statusOf } from './status.ts';
import { says } from './step.ts';
import type { Step } from './step.ts';
import { notOffered } from './version.ts';
import type { DatabaseReadyReason, MongodbAction, MongodbObservation, MongodbStatus } from './types.ts';

export type MongodbPlan = Plan<MongodbAction, MongodbStatus>;

type Rule = (seen: MongodbObservation) => Step | undefined;

/** What must be so before a member may exist; then the set is founded, and then it is kept. */
const rules: readonly Rule[] = [
  (seen) => (seen.stack.spec.mongodb.external ? planExternal(seen) : undefined),
  aSecretIsNotOurs,
  theIdentityCannotBeRead,
  theVersionIsNotOffered,
  theAgentsHaveNoCertificate,
  ({ identity, ...seen }) => (identity.state === 'absent' ? beginFounding({ ...seen, identity }) : undefined),
  (seen) => (seen.identity.state === 'founding' ? planFounding(seen, seen.identity) : undefined),
  (seen) => (seen.identity.state === 'founded' ? planFounded(seen, seen.identity) : undefined),
];

const IN_MOTION: Millis = 1_500;
const AT_REST: Millis = 10_000;
/** Only deadlines pass meanwhile: everything but what agents say is watched. */
const NOBODY_TO_ASK: Millis = 30_000;

function recheckIn({ stack, members }: MongodbObservation, reason: DatabaseReadyReason): Millis {
  if (!stack.spec.mongodb.external && members.every((member) => reached(member) === undefined)) return NOBODY_TO_ASK;
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
  'External',
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

function firstAnswer(seen: MongodbObservation): Step {
  for (const rule of rules) {
    const step = rule(seen);
    if (step) return step;
  }
  throw new TypeError('planMongodb: every state of the identity has a rule');
}

function aSecretIsNotOurs({ stack, identity, ...seen }: MongodbObservation): Step | undefined {
  const names = namesOf(stack.metadata.name);
  const foreign = [
    [names.identity, identity],
    [names.keyfile, seen.keyfile],
    [names.rootUser, seen.rootUser],
    [names.authUser, seen.authUser],
  ].find((pair): pair is [string, { state: 'foreign' }] => (pair[1] as { state: string }).state === 'foreign');
  if (!foreign) return undefined;
  const [name] = foreign;
  return says(
    'False',
    name === names.identity ? 'IdentityNotOwned' : 'SecretNotOwned',
    `Secret ${name} exists and was not made by the operator; it is left alone. Rename or delete it: ` +
      `kubectl -n ${namespaceOf(stack)} get secret ${name} --show-labels`,
  );
}

function theIdentityCannotBeRead({ stack, identity }: MongodbObservation): Step | undefined {
  if (identity.state !== 'malformed') return undefined;
  const name = namesOf(stack.metadata.name).identity;
  return says(
    'False',
    'IdentityMalformed',
    `Secret ${name} cannot be read (${identity.why}); restore it from a backup, or delete it to have it made again from ` +
      `what the members say: kubectl -n ${namespaceOf(stack)} delete secret ${name}`,
  );
}

function theVersionIsNotOffered({ stack, images, identity }: MongodbObservation): Step | undefined {
  const version = versionToRun({ stack, images, identity });
  if (mongodImage(stack, images, version) !== undefined) return undefined;
  return says('False', 'VersionNotOffered', notOffered(images, version));
}

/** What was recorded; as long as nothing is founded on it, what is asked for. */
function versionToRun({ stack, images, identity }: Pick<MongodbObservation, 'stack' | 'images' | 'identity'>): string {
  if (identity.state === 'founded') return identity.version;
  const recorded = identity.state === 'founding' ? identity.version : images.defaultVersion;
  return stack.spec.mongodb.version ?? recorded;
}

function theAgentsHaveNoCertificate({ stack, hasAgentCertificate }: MongodbObservation): Step | undefined {
  if (hasAgentCertificate) return undefined;
  const name = namesOf(stack.metadata.name).agentTls;
  return says(
    'False',
    'WaitingForCertificates',
    `Secret ${name} with the certificate of the members' agents is being made`,
  );
}

/** How long the database may be away before somebody should look. */
const PATIENCE: Millis = 300_000;

function stalledBy(
  { stack, now, ...seen }: MongodbObservation,
  { status, reason, message }: Step,
): Stalled | undefined {
  if (status === 'True') return undefined;
  const stored = stack.status?.conditions?.find(({ type }) => type === 'DatabaseReady');
  if (stored?.status !== status || now - Date.parse(stored.lastTransitionTime) < PATIENCE) return undefined;
  return { reason, message: `${message} (${whereToLook({ stack, now, ...seen })})` };
}
