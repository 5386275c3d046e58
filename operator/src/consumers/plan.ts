import { authStackSchemaError } from '../api/auth-stack.ts';
import { namespaceOf } from '../api/names.ts';
import { rfc3339 } from '../runtime/conditions.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { sameJson } from '../runtime/json.ts';
import type { Plan } from '../planning.ts';
import type { ObservedCondition } from '../runtime/reconciler.ts';
import { allowsNamespace } from './consent.ts';
import { audienceOf, copySecret, isTheSame, kidsIn } from './copy.ts';
import type { AcceptedReason, ConsumerAction, ConsumerObservation, ConsumerStatus, InSyncReason } from './types.ts';

export type ConsumerPlan = Plan<ConsumerAction, ConsumerStatus>;

type Rule = (seen: ConsumerObservation) => ConsumerPlan | undefined;

/** First whether both sides agree, then whether the place is free, and only then what is written there. */
const rules: readonly Rule[] = [
  theStackIsNotThere,
  theStackIsInvalid,
  theNamespaceIsNotKnownYet,
  theStackDoesNotAllowIt,
  theAudienceIsNotTheStacks,
  theSecretIsSomebodyElses,
  theSecretIsAnotherConsumers,
  theStackHasNoKeysYet,
];

export function planConsumer(seen: ConsumerObservation): ConsumerPlan {
  for (const rule of rules) {
    const plan = rule(seen);
    if (plan) return plan;
  }
  return keepTheCopy(seen);
}

/** Retain: the copy stays, so that no pod loses its mount; whether it is still right nobody can tell. */
function theStackIsNotThere({ consumer, stack }: ConsumerObservation): ConsumerPlan | undefined {
  if (stack) return undefined;
  const { namespace, name } = consumer.spec.stackRef;
  const message =
    `there is no AuthStack ${namespace}/${name}; create it or correct spec.stackRef (kubectl get authstacks -A). ` +
    `A Secret written before stays as it is`;
  return {
    actions: [],
    conditions: [
      { type: 'Accepted', status: 'False', reason: 'StackNotFound', message },
      { type: 'InSync', status: 'Unknown', reason: 'StackNotFound', message },
    ],
    status: {},
  };
}

/** Whom it allows cannot be told, so nothing is given and nothing taken away. */
function theStackIsInvalid({ stack }: ConsumerObservation): ConsumerPlan | undefined {
  const schemaError = stack && authStackSchemaError(stack);
  if (!stack || schemaError === undefined) return undefined;
  const { name } = stack.metadata;
  const message = `AuthStack ${namespaceOf(stack)}/${name} is invalid (${schemaError}); until its owner has corrected it the Secret stays as it is`;
  return {
    actions: [],
    conditions: [
      { type: 'Accepted', status: 'Unknown', reason: 'StackInvalid', message },
      inSync('Unknown', 'StackInvalid', message),
    ],
    status: {},
  };
}

function theNamespaceIsNotKnownYet({ consumer, namespaceLabels, now }: ConsumerObservation): ConsumerPlan | undefined {
  if (namespaceLabels) return undefined;
  const message = `the labels of Namespace ${namespaceOf(consumer)} are not known to the operator yet`;
  return {
    actions: [],
    conditions: [inSync('Unknown', 'WaitingForKeys', message)],
    status: {},
    recheckAt: now + 1_000,
  };
}

function theStackDoesNotAllowIt(seen: ConsumerObservation): ConsumerPlan | undefined {
  const { consumer, stack, namespaceLabels = {} } = seen;
  const namespace = namespaceOf(consumer);
  if (!stack || allowsNamespace(stack, { namespace, labels: namespaceLabels })) return undefined;
  const { from } = stack.spec.consumers.allowedNamespaces;
  const way =
    from === 'Selector'
      ? `label it as spec.consumers.allowedNamespaces.selector asks: kubectl -n ${namespaceOf(stack)} get authstack ${stack.metadata.name} -o jsonpath={.spec.consumers}`
      : `its spec.consumers.allowedNamespaces.from is ${from}; the stack's owner can change that`;
  return refused(
    seen,
    'NamespaceNotAllowed',
    `AuthStack ${namespaceOf(stack)}/${stack.metadata.name} does not allow Namespace ${namespace}; ${way}`,
  );
}

function theAudienceIsNotTheStacks(seen: ConsumerObservation): ConsumerPlan | undefined {
  const { consumer, stack } = seen;
  if (!stack || stack.spec.auth.audience.includes(audienceOf(consumer, stack))) return undefined;
  const offered = stack.spec.auth.audience.join(', ');
  return refused(
    seen,
    'AudienceNotAllowed',
    `spec.audience ${consumer.spec.audience ?? ''} is none of the stack's; set one of ${offered}, or leave it out`,
  );
}

function theSecretIsSomebodyElses(seen: ConsumerObservation): ConsumerPlan | undefined {
  const { consumer, copy } = seen;
  if (copy.state !== 'foreign') return undefined;
  const { secretName } = consumer.spec;
  return refused(
    seen,
    'SecretNotOwned',
    `Secret ${secretName} exists and was not made by the operator; it is left alone. Set another spec.secretName, or ` +
      `remove it: kubectl -n ${namespaceOf(consumer)} get secret ${secretName}`,
  );
}

function theSecretIsAnotherConsumers(seen: ConsumerObservation): ConsumerPlan | undefined {
  const { consumer, copy } = seen;
  if (copy.state !== 'ofAnother') return undefined;
  return refused(
    seen,
    'SecretInUse',
    `Secret ${consumer.spec.secretName} is the copy of AuthConsumer ${copy.consumer}; set another spec.secretName`,
  );
}

function theStackHasNoKeysYet({
  consumer,
  stack,
  jwks,
  authority,
  now,
}: ConsumerObservation): ConsumerPlan | undefined {
  if (!stack || (jwks !== undefined && authority !== undefined)) return undefined;
  const { namespace, name } = consumer.spec.stackRef;
  const message = `AuthStack ${namespace}/${name} has no published keys yet; the Secret comes with them: kubectl -n ${namespace} describe authstack ${name}`;
  return {
    actions: [],
    conditions: [accepted(consumer), inSync('False', 'WaitingForKeys', message)],
    status: {},
    recheckAt: now + 5_000,
  };
}

function keepTheCopy(seen: ConsumerObservation): ConsumerPlan {
  const { consumer, stack, jwks = '', authority = '', copy, formerCopies, now } = seen;
  if (!stack) throw new TypeError('planConsumer: the rules before answer where there is no stack');
  const wanted = copySecret(consumer, stack, { jwks, authority });
  const kids = kidsIn(jwks);
  if (copy.state === 'ours' && isTheSame(copy.secret, wanted)) {
    return {
      // The old copy goes after the new one stands.
      actions: stack.spec.suspend ? [] : formerCopies.map(remove),
      conditions: [
        accepted(consumer),
        inSync('True', 'InSync', `Secret ${consumer.spec.secretName} holds the current keys`),
      ],
      status: { kids, ...(!tellsOf(kids, consumer) && { lastSyncTime: rfc3339(now) }) },
    };
  }
  // Consent that ends still takes a copy away; whatever else there is to write waits.
  if (stack.spec.suspend) {
    const message = `AuthStack ${namespaceOf(stack)}/${stack.metadata.name} is suspended, so Secret ${consumer.spec.secretName} is left as it is`;
    return { actions: [], conditions: [accepted(consumer), inSync('Unknown', 'StackSuspended', message)], status: {} };
  }
  return {
    actions: [write(wanted, copy)],
    conditions: [accepted(consumer), inSync('False', 'Writing', `Secret ${consumer.spec.secretName} is being written`)],
    status: { kids, lastSyncTime: rfc3339(now) },
    recheckAt: now + 1_000,
  };
}

/** The write itself was told, unless whoever made it ended before it could. */
function tellsOf(kids: readonly string[], { status = {} }: ConsumerObservation['consumer']): boolean {
  return status.lastSyncTime !== undefined && sameJson(status.kids, kids);
}

/** Replaced as a whole, bound to the version that was seen, so that keys which others added go too. */
function write(wanted: Secret, copy: ConsumerObservation['copy']): ConsumerAction {
  if (copy.state !== 'ours') return { type: 'create', kind: secretKind, object: wanted };
  const { resourceVersion } = copy.secret.metadata;
  const metadata = { ...wanted.metadata, ...(resourceVersion !== undefined && { resourceVersion }) };
  return { type: 'replace', kind: secretKind, object: { ...wanted, metadata } };
}

/** Consent is not there (any more): whatever was copied goes. */
function refused({ copy, formerCopies }: ConsumerObservation, reason: AcceptedReason, message: string): ConsumerPlan {
  const copies = [...(copy.state === 'ours' ? [copy.secret] : []), ...formerCopies];
  return {
    actions: copies.map(remove),
    conditions: [{ type: 'Accepted', status: 'False', reason, message }, inSync('False', 'NotAccepted', message)],
    status: { kids: undefined, lastSyncTime: undefined },
  };
}

function remove({ metadata: { name, namespace = '', uid = '' } }: Secret): ConsumerAction {
  return { type: 'delete', kind: secretKind, target: { name, namespace, uid } };
}

function accepted({ spec }: ConsumerObservation['consumer']): ObservedCondition {
  const { namespace, name } = spec.stackRef;
  return { type: 'Accepted', status: 'True', reason: 'Accepted', message: `AuthStack ${namespace}/${name} allows it` };
}

function inSync(status: ObservedCondition['status'], reason: InSyncReason, message: string): ObservedCondition {
  return { type: 'InSync', status, reason, message };
}
