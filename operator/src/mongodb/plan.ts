import type { AuthStack } from '../api/auth-stack.ts';
import { FIELD_MANAGER, MANAGED_BY_LABEL, STACK_LABEL, namesOf, namespaceOf } from '../api/names.ts';
import type { ReasonOf } from '../api/reasons.ts';
import { firstAnswer, planOf } from '../planning.ts';
import type { Plan, Rule } from '../planning.ts';
import type { Millis } from '../runtime/objects.ts';
import { foreignSecret } from '../stored/secret.ts';
import { MISSING_IS_LONG } from '../workloads/pods-not-created.ts';
import { theLossIsAccepted } from './bootstrap/accept-data-loss.ts';
import { theDataIsOfAnEarlierStack } from './bootstrap/adopt.ts';
import { planBootstrap, planInitiating } from './bootstrap/initiate.ts';
import type { MongodbAction } from './members/action.ts';
import { theKeyfileIsLost } from './members/keyfile.ts';
import { addressOf } from './members/member.ts';
import type { MongodbObservation } from './members/observation.ts';
import { refusing, waiting } from './members/verdict.ts';
import type { DatabaseVerdict } from './members/verdict.ts';
import { mongodImage } from './objects/pod-template.ts';
import { lacksPods } from './objects/stateful-set.ts';
import { notOffered } from './objects/version.ts';
import { replicaSetContext } from './replica-set/context.ts';
import type { ReplicaSetContext } from './replica-set/context.ts';
import { aMajorityOfDisksIsEmpty, aMemberBelongsToAnotherSet } from './replica-set/data-loss.ts';
import { thePrimaryHasEnded } from './replica-set/ended-primary.ts';
import { aMemberIsNoLongerFenced } from './replica-set/fencing.ts';
import { asServed } from './replica-set/health.ts';
import { theStackIsHibernated } from './replica-set/hibernation.ts';
import { noPrimaryIsSeen } from './replica-set/no-primary.ts';
import { theSetServes } from './replica-set/serving.ts';
import { statusOf } from './replica-set/status.ts';
import type { MongodbStatus } from './replica-set/status.ts';
import { aCredentialIsNotStored, theUsersAreNotInTheDatabase } from './replica-set/users.ts';

/*
 * members/ (what is observed of them) ◄── objects/ (what Kubernetes gets) ◄── replica-set/ (a set that exists)
 *                                                                         ◄── bootstrap/   (how it comes to exist)
 */

export type MongodbPlan = Plan<MongodbAction, MongodbStatus>;

/** What must hold before a member may exist. */
const prerequisites: readonly Rule<MongodbObservation, DatabaseVerdict>[] = [
  aSecretIsForeign,
  anObjectIsNotLabelled,
  aSecretCannotBeRead,
  theVersionIsNotOffered,
  theAgentsHaveNoCertificate,
];

/** First what forbids to start anything, then what keeps the members from serving, then what they lack. */
const rules: readonly Rule<ReplicaSetContext, DatabaseVerdict>[] = [
  theDataIsOfAnEarlierStack,
  ({ seen }) => theKeyfileIsLost(seen),
  aMemberBelongsToAnotherSet,
  aCredentialIsNotStored,
  theStackIsHibernated,
  theLossIsAccepted,
  aMajorityOfDisksIsEmpty,
  aMemberIsNoLongerFenced,
  thePrimaryHasEnded,
  noPrimaryIsSeen,
  theUsersAreNotInTheDatabase,
  theSetServes,
];

export function planMongodb(seen: MongodbObservation): MongodbPlan {
  const { stack, now } = seen;
  const verdict = verdictOn(seen);
  const recheckAt = now + recheckIn(seen, verdict.reason);
  const plan = planOf<'DatabaseReady', MongodbAction, MongodbStatus>(
    { ...verdict, recheckAt },
    { stack, now, type: 'DatabaseReady', status: statusOf(seen) },
  );
  if (!plan.stalled) return plan;
  return { ...plan, stalled: { ...plan.stalled, message: `${plan.stalled.message} (${whereToLook(seen)})` } };
}

function verdictOn(seen: MongodbObservation): DatabaseVerdict {
  const { identity } = seen;
  const context = identity.state === 'initiated' ? replicaSetContext(seen, identity) : undefined;
  const verdict = firstAnswer(prerequisites, seen) ?? (context ? firstAnswer(rules, context) : bootstrap(seen));
  if (!verdict) throw new TypeError('planMongodb: every observation has a rule');
  return context ? asServed(verdict, context) : verdict;
}

function bootstrap(seen: MongodbObservation): DatabaseVerdict | undefined {
  return seen.identity.state === 'initiating' ? planInitiating(seen, seen.identity) : planBootstrap(seen);
}

const IN_MOTION: Millis = 1_500;
const AT_REST: Millis = 10_000;
/** Only deadlines pass meanwhile: everything but what agents report is watched. */
const NOBODY_TO_ASK: Millis = 30_000;

/** Nothing is under way, or only people can bring it on; what they change is seen by the watch, too. */
const atRest: ReadonlySet<ReasonOf<'DatabaseReady'>> = new Set([
  'AllMembersHealthy',
  'UpgradePending',
  'VersionRefused',
  'VolumeFull',
  'VolumeCannotGrow',
  'RequestInvalid',
  'ForeignMembers',
  'Hibernated',
  'IdentityNotOwned',
  'SecretNotOwned',
  'ObjectNotLabelled',
  'IdentityMalformed',
  'SecretMalformed',
  'VersionNotOffered',
  'AdoptionRefused',
  'KeyfileLost',
  'ForeignData',
  'PodsNotCreated',
]);

function recheckIn(
  { members, statefulSet, podsNotCreated }: MongodbObservation,
  reason: ReasonOf<'DatabaseReady'>,
): Millis {
  // To have it tried again, and while nobody knows yet why a pod is missing.
  const forPods = podsNotCreated ? AT_REST : statefulSet && lacksPods(statefulSet) ? MISSING_IS_LONG : Infinity;
  const forMembers = atRest.has(reason) ? AT_REST : IN_MOTION;
  const isNobodyThere = members.every((member) => addressOf(member) === undefined);
  return Math.min(isNobodyThere ? NOBODY_TO_ASK : forMembers, forPods);
}

function secretsOf({ stack, identity, keyfile, rootUser, authUser }: MongodbObservation): readonly {
  readonly name: string;
  readonly seen: { readonly state: string } | { readonly state: 'malformed'; readonly why: string };
}[] {
  const names = namesOf(stack.metadata.name);
  return [
    { name: names.identity, seen: identity },
    { name: names.keyfile, seen: keyfile },
    { name: names.rootUser, seen: rootUser },
    { name: names.authUser, seen: authUser },
  ];
}

function aSecretIsForeign(seen: MongodbObservation): DatabaseVerdict | undefined {
  const foreign = secretsOf(seen).find((secret) => secret.seen.state === 'foreign');
  if (!foreign) return undefined;
  const reason = seen.identity.state === 'foreign' ? 'IdentityNotOwned' : 'SecretNotOwned';
  return refusing(reason, foreignSecret(seen.stack, foreign.name));
}

function anObjectIsNotLabelled({ stack, unlabelled }: MongodbObservation): DatabaseVerdict | undefined {
  const [first] = unlabelled;
  return first && refusing('ObjectNotLabelled', notLabelled(stack, first));
}

function notLabelled(stack: AuthStack, { kind, name }: { readonly kind: string; readonly name: string }): string {
  return (
    `${kind} ${name} exists and lacks the label ${MANAGED_BY_LABEL} or ${STACK_LABEL}, so the operator does not see it. Add ` +
    `them: kubectl -n ${namespaceOf(stack)} label --overwrite ${kind.toLowerCase()} ${name} ` +
    `${MANAGED_BY_LABEL}=${FIELD_MANAGER} ${STACK_LABEL}=${stack.metadata.name}`
  );
}

/** What is stored is restored, or deleted to be made again from what the members know. */
function aSecretCannotBeRead(seen: MongodbObservation): DatabaseVerdict | undefined {
  for (const { name, seen: secret } of secretsOf(seen)) {
    if (!('why' in secret)) continue;
    const reason = seen.identity.state === 'malformed' ? 'IdentityMalformed' : 'SecretMalformed';
    const message =
      `Secret ${name} cannot be read (${secret.why}). Restore it from a backup, or delete it to have it recovered from the ` +
      `members: kubectl -n ${namespaceOf(seen.stack)} delete secret ${name}`;
    return refusing(reason, message);
  }
  return undefined;
}

function theVersionIsNotOffered({ stack, images, identity }: MongodbObservation): DatabaseVerdict | undefined {
  const version = versionToRun({ stack, images, identity });
  if (mongodImage(stack, images, version) !== undefined) return undefined;
  return refusing('VersionNotOffered', notOffered(images, version));
}

/** What is recorded; as long as no replica set is initiated with it, what is requested. */
function versionToRun({ stack, images, identity }: Pick<MongodbObservation, 'stack' | 'images' | 'identity'>): string {
  if (identity.state === 'initiated') return identity.version;
  const recorded = identity.state === 'initiating' ? identity.version : images.defaultVersion;
  return stack.spec.mongodb.version ?? recorded;
}

function theAgentsHaveNoCertificate({ stack, hasAgentCertificate }: MongodbObservation): DatabaseVerdict | undefined {
  if (hasAgentCertificate) return undefined;
  const name = namesOf(stack.metadata.name).agentTls;
  return waiting('WaitingForCertificates', `Waiting for Secret ${name}, the certificate of the members' agents`);
}

function whereToLook({ stack }: MongodbObservation): string {
  return `kubectl -n ${namespaceOf(stack)} get pods,pvc -l authstack.dev/stack=${stack.metadata.name}`;
}
