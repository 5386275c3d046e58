import { authStackSchemaError } from '../api/auth-stack.ts';
import { namespaceOf } from '../api/names.ts';
import { firstAnswer } from '../planning.ts';
import type { Rule } from '../planning.ts';
import { rfc3339 } from '../runtime/conditions.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { sameJson } from '../runtime/json.ts';
import { listed } from '../runtime/listed.ts';
import type { ReasonOf } from '../api/reasons.ts';
import { audienceOf, clientSecretIn, copySecret, isSameCopy, kidsInCopy } from '../stored/consumer-copy.ts';
import type { CopySource } from '../stored/consumer-copy.ts';
import { acknowledgedKids, lagOf } from './acknowledged.ts';
import { consumerPlan, noStatus, remove } from './conditions.ts';
import type { ConsumerPlan } from './conditions.ts';
import { allowsNamespace } from './consent.ts';
import { revocationsOf } from './revoked.ts';
import type {
  ConsumerAction,
  ConsumerObservation,
  ConsumerStatus,
  ConsumerVerdict,
  Reported,
  SeenCredential,
} from './types.ts';

type ConsumerRule = Rule<ConsumerObservation, ConsumerVerdict>;

/** First whether both sides agree, then whether the name is free, and only then what is written there. */
const rules: readonly ConsumerRule[] = [
  theStackIsNotWatched,
  theStackIsNotThere,
  theStackIsInvalid,
  theNamespaceIsNotKnownYet,
  theStackDoesNotAllowIt,
  theAudienceIsNotTheStacks,
  theSecretIsForeign,
  theSecretIsAnotherConsumers,
  theStackHasNoKeysYet,
];

export function planConsumer(seen: ConsumerObservation): ConsumerPlan {
  const verdict = firstAnswer(rules, seen) ?? syncCopy(seen);
  const status = statusOf(seen, verdict.inSync);
  const { recheckAt = Infinity } = status === noStatus ? {} : revocationsOf(seen);
  const at = Math.min(verdict.recheckAt ?? Infinity, recheckAt);
  return consumerPlan({ ...verdict, ...(Number.isFinite(at) && { recheckAt: at }) }, { now: seen.now, status });
}

/** What is reported in place of the plan once the API server has refused what it writes. */
export function writeRefused(seen: ConsumerObservation, words: string): ConsumerPlan {
  const { consumer } = seen;
  const { secretName } = consumer.spec;
  const message =
    `The API server refuses Secret ${secretName} (${words}). Correct what refuses it, a policy or a quota for instance; ` +
    `the operator tries again: kubectl -n ${namespaceOf(consumer)} describe authconsumer ${consumer.metadata.name}`;
  const inSync = { status: 'False', reason: 'WriteRefused', message } as const;
  return consumerPlan({ accepted: accepted(seen), inSync }, { now: seen.now, status: statusOf(seen, inSync) });
}

/** The operator does not see that namespace, so it cannot say that there is no such stack. */
function theStackIsNotWatched({ consumer, stack, stackNamespace }: ConsumerObservation): ConsumerVerdict | undefined {
  if (stack || stackNamespace === 'watched') return undefined;
  const { namespace, name } = consumer.spec.stackRef;
  const message =
    stackNamespace === 'refused'
      ? `The operator cannot watch Namespace ${namespace}, so it does not know whether there is an AuthStack ${namespace}/${name}. ` +
        `Check that the namespace exists: kubectl get namespace ${namespace}. A Secret that was written before stays`
      : `The operator does not watch Namespace ${namespace}, so it does not know AuthStack ${namespace}/${name}. Add the namespace ` +
        `to watchNamespaces of the chart, or correct spec.stackRef. A Secret that was written before stays`;
  return {
    accepted: { status: 'Unknown', reason: 'StackNotWatched', message },
    inSync: { status: 'Unknown', reason: 'StackNotWatched', message },
  };
}

/** Retain: the copy stays, so that no pod loses its mount; nobody knows whether it is still right. */
function theStackIsNotThere({ consumer, stack }: ConsumerObservation): ConsumerVerdict | undefined {
  if (stack) return undefined;
  const { namespace, name } = consumer.spec.stackRef;
  const message =
    `There is no AuthStack ${namespace}/${name}. Create it, or correct spec.stackRef: kubectl get authstacks -A. ` +
    `A Secret that was written before stays`;
  return {
    accepted: { status: 'False', reason: 'StackNotFound', message },
    inSync: { status: 'Unknown', reason: 'StackNotFound', message },
  };
}

/** Nobody knows whom it allows, so nothing is given and nothing taken away. */
function theStackIsInvalid({ stack }: ConsumerObservation): ConsumerVerdict | undefined {
  const schemaError = stack && authStackSchemaError(stack);
  if (!stack || schemaError === undefined) return undefined;
  const message =
    `AuthStack ${namespaceOf(stack)}/${stack.metadata.name} is invalid (${schemaError}). The Secret stays as it is ` +
    `until its owner corrects it`;
  return {
    accepted: { status: 'Unknown', reason: 'StackInvalid', message },
    inSync: { status: 'Unknown', reason: 'StackInvalid', message },
  };
}

function theNamespaceIsNotKnownYet({ consumer, namespaceLabels }: ConsumerObservation): ConsumerVerdict | undefined {
  if (namespaceLabels) return undefined;
  const message = `The operator has not read the labels of Namespace ${namespaceOf(consumer)} yet`;
  return {
    accepted: { status: 'Unknown', reason: 'NamespaceUnknown', message },
    inSync: { status: 'Unknown', reason: 'NamespaceUnknown', message },
  };
}

function theStackDoesNotAllowIt(seen: ConsumerObservation): ConsumerVerdict | undefined {
  const { consumer, stack, namespaceLabels = {} } = seen;
  const namespace = namespaceOf(consumer);
  if (!stack || allowsNamespace(stack, { namespace, labels: namespaceLabels })) return undefined;
  const { from } = stack.spec.consumers.allowedNamespaces;
  const way =
    from === 'Selector'
      ? `Label it as spec.consumers.allowedNamespaces.selector asks: kubectl -n ${namespaceOf(stack)} get authstack ${stack.metadata.name} -o jsonpath={.spec.consumers}`
      : `Its spec.consumers.allowedNamespaces.from is ${from}; the stack's owner can change that`;
  return refused(
    seen,
    'NamespaceNotAllowed',
    `AuthStack ${namespaceOf(stack)}/${stack.metadata.name} does not allow Namespace ${namespace}. ${way}`,
  );
}

function theAudienceIsNotTheStacks(seen: ConsumerObservation): ConsumerVerdict | undefined {
  const { consumer, stack } = seen;
  if (!stack || stack.spec.auth.audience.includes(audienceOf(consumer, stack))) return undefined;
  return refused(
    seen,
    'AudienceNotAllowed',
    `The stack has no audience ${consumer.spec.audience ?? ''}. Set spec.audience to one of ` +
      `${listed(stack.spec.auth.audience)}, or leave it out`,
  );
}

function theSecretIsForeign(seen: ConsumerObservation): ConsumerVerdict | undefined {
  const { consumer, copy } = seen;
  if (copy.state !== 'foreign') return undefined;
  const { secretName } = consumer.spec;
  const namespace = namespaceOf(consumer);
  return refused(
    seen,
    'SecretNotOwned',
    `Secret ${secretName} exists and is no copy of an AuthConsumer, so the operator leaves it alone. Set another ` +
      `spec.secretName, or remove it: kubectl -n ${namespace} delete secret ${secretName}`,
  );
}

function theSecretIsAnotherConsumers(seen: ConsumerObservation): ConsumerVerdict | undefined {
  const { consumer, copy } = seen;
  if (copy.state !== 'ofAnother') return undefined;
  return refused(
    seen,
    'SecretInUse',
    `Secret ${consumer.spec.secretName} is the copy of AuthConsumer ${copy.consumer}. Set another spec.secretName`,
  );
}

function theStackHasNoKeysYet(seen: ConsumerObservation): ConsumerVerdict | undefined {
  const { consumer, keys, authority } = seen;
  if (keys && authority !== undefined) return undefined;
  const { namespace, name } = consumer.spec.stackRef;
  const message = `AuthStack ${namespace}/${name} has not published keys yet: kubectl -n ${namespace} describe authstack ${name}`;
  return { accepted: accepted(seen), inSync: { status: 'False', reason: 'WaitingForKeys', message } };
}

function syncCopy(seen: ConsumerObservation): ConsumerVerdict {
  const { consumer, stack, keys = [], authority = '', copy, formerCopies } = seen;
  if (!stack) throw new TypeError('planConsumer: the rules before answer where there is no stack');
  const { secretName } = consumer.spec;
  const wanted = copySecret(consumer, stack, { keys, authority, ...clientIn(seen) });
  if (copy.state === 'ours' && isSameCopy(copy.secret, wanted)) {
    const { words, recheckAt } = lagOf(seen, stack, kidsInCopy(copy.secret));
    return {
      accepted: accepted(seen),
      inSync: {
        status: 'True',
        reason: 'InSync',
        message: `Secret ${secretName} holds the current keys${words}${revocationsOf(seen).words}`,
      },
      ...(recheckAt !== undefined && { recheckAt }),
      // A former copy goes only once the new one exists.
      actions: stack.spec.suspend ? [] : formerCopies.map(remove),
    };
  }
  const waits = theStackIsSuspended(seen) ?? theSecretIsNotRecorded(seen);
  if (waits) return waits;
  return {
    accepted: accepted(seen),
    inSync: { status: 'False', reason: 'Writing', message: `Writing Secret ${secretName}` },
    actions: write(wanted, copy),
  };
}

/** A copy keeps the secret that it has while there is no other, and one that has none goes on without. */
function clientIn({ credential, copy }: ConsumerObservation): Pick<CopySource, 'client'> | undefined {
  if (credential.type === 'serviceAccount') return { client: {} };
  const secret = credential.secret ?? (copy.state === 'ours' ? clientSecretIn(copy.secret) : undefined);
  return secret === undefined ? undefined : { client: { secret } };
}

/** Consent that ends still takes a copy away, and a revoked key leaves it; any other write waits. */
function theStackIsSuspended(seen: ConsumerObservation): ConsumerVerdict | undefined {
  const { consumer, stack } = seen;
  if (stack?.spec.suspend !== true || holdsRevokedKey(seen)) return undefined;
  const message =
    `AuthStack ${namespaceOf(stack)}/${stack.metadata.name} is suspended, ` +
    `so Secret ${consumer.spec.secretName} stays as it is`;
  return { accepted: accepted(seen), inSync: { status: 'Unknown', reason: 'StackSuspended', message } };
}

/** Pods that mounted a new copy without it would be refused until kubelet looks again. */
function theSecretIsNotRecorded(seen: ConsumerObservation): ConsumerVerdict | undefined {
  if (seen.copy.state === 'ours' || clientIn(seen)) return undefined;
  const { secretName, stackRef } = seen.consumer.spec;
  const { namespace, name } = stackRef;
  const message =
    `Secret ${secretName} waits until AuthStack ${namespace}/${name} has recorded its client secret: ` +
    `kubectl -n ${namespace} describe authstack ${name}`;
  return { accepted: accepted(seen), inSync: { status: 'False', reason: 'WaitingForCredential', message } };
}

function holdsRevokedKey({ copy, revoked = [] }: ConsumerObservation): boolean {
  if (copy.state !== 'ours') return false;
  const held = kidsInCopy(copy.secret);
  return revoked.some(({ kid }) => held.has(kid));
}

/** Replaced as a whole, bound to the version that was seen, so that keys which others added go too. */
function write(wanted: Secret, copy: ConsumerObservation['copy']): readonly ConsumerAction[] {
  const create: ConsumerAction = { type: 'create', kind: secretKind, object: wanted };
  if (copy.state !== 'ours' && copy.state !== 'orphaned') return [create];
  // A policy made it immutable, or somebody labelled a Secret of another type: nothing can replace its content.
  if (copy.secret.immutable === true || copy.secret.type !== wanted.type) return [remove(copy.secret), create];
  const { resourceVersion } = copy.secret.metadata;
  const metadata = { ...wanted.metadata, ...(resourceVersion !== undefined && { resourceVersion }) };
  return [{ type: 'replace', kind: secretKind, object: { ...wanted, metadata } }];
}

/** There is no consent (any more): what was copied is removed. */
function refused(
  { copy, formerCopies }: ConsumerObservation,
  reason: ReasonOf<'Accepted'>,
  message: string,
): ConsumerVerdict {
  const copies = [...(copy.state === 'ours' ? [copy.secret] : []), ...formerCopies];
  return {
    accepted: { status: 'False', reason, message },
    inSync: { status: 'False', reason: 'NotAccepted', message },
    actions: copies.map(remove),
  };
}

/** Both sides agree; whether the auth service can let it in is told in the same place. */
function accepted(seen: ConsumerObservation): Reported<'Accepted'> {
  const { consumer, credential } = seen;
  const { namespace, name } = consumer.spec.stackRef;
  if (credential.type === 'serviceAccount') return acceptedByIdentity(seen, credential);
  return { status: 'True', reason: 'Accepted', message: `AuthStack ${namespace}/${name} allows it` };
}

type Identity = Extract<SeenCredential, { type: 'serviceAccount' }>;

function acceptedByIdentity(
  { consumer }: ConsumerObservation,
  { name, exists, issuer }: Identity,
): Reported<'Accepted'> {
  const { stackRef } = consumer.spec;
  const namespace = namespaceOf(consumer);
  const isRefused = `so the auth service refuses AuthConsumer ${consumer.metadata.name}`;
  if (!exists) {
    const message =
      `There is no ServiceAccount ${name} in Namespace ${namespace}, ${isRefused}. Create it, or correct spec.identity: ` +
      `kubectl -n ${namespace} create serviceaccount ${name}`;
    return { status: 'False', reason: 'ServiceAccountNotFound', message };
  }
  switch (issuer.state) {
    case 'forbidden': {
      const message =
        `The operator may not read ${issuer.path}, ${isRefused}. Bind its account to the role that gives it: ` +
        `kubectl create clusterrolebinding authstack-service-account-issuer-discovery ` +
        `--clusterrole=system:service-account-issuer-discovery --group=system:serviceaccounts; or leave out spec.identity to use a client secret`;
      return { status: 'False', reason: 'ClusterKeysForbidden', message };
    }
    case 'unreadable': {
      const message = `The API server does not tell who signs the tokens of ServiceAccount ${name} (${issuer.why}), ${isRefused}, unless it knew before`;
      return { status: 'Unknown', reason: 'ClusterKeysUnreadable', message };
    }
    case 'known': {
      const message = `AuthStack ${stackRef.namespace}/${stackRef.name} allows it, as ServiceAccount ${name}`;
      return { status: 'True', reason: 'Accepted', message };
    }
  }
}

/** What the Secret was observed to hold; the time is that of the first pass that found it current. */
function statusOf(seen: ConsumerObservation, inSync: Reported<'InSync'>): ConsumerStatus {
  const { consumer, copy, now, verifiers } = seen;
  if (copy.state !== 'ours' || inSync.reason === 'NotAccepted') return noStatus;
  const { kids: storedKids, lastSyncTime, conditions = [] } = consumer.status ?? {};
  const kids = [...kidsInCopy(copy.secret)];
  const wasInSync = conditions.some(({ type, status }) => type === 'InSync' && status === 'True');
  const isNews = inSync.status === 'True' && !(wasInSync && sameJson(storedKids, kids));
  return {
    kids,
    acknowledgedKids: acknowledgedKids(verifiers),
    revokedKeys: revocationsOf(seen).status,
    lastSyncTime: isNews ? rfc3339(now) : lastSyncTime,
  };
}
