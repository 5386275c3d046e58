import { namesOf, namespaceOf } from '../../api/names.ts';
import { LOOK_AGAIN } from '../../planning.ts';
import { sameJson } from '../../runtime/json.ts';
import type { Millis } from '../../runtime/objects.ts';
import { clients } from '../../stored/clients.ts';
import type { StoredClients } from '../../stored/clients.ts';
import { createStored, foreignSecret, replaceStored } from '../../stored/secret.ts';
import { storedDocument, wantedClients } from './document.ts';
import { silentPods, tellPods, untold } from './pods.ts';
import { rotationDueAt } from './generations.ts';
import type { ClientsAction, ClientsObservation } from './types.ts';

/*
 * Secret <stack>-clients says whom the auth pods let in on the port of services. All of it is derived from the AuthConsumers
 * that both sides consent to now; what is remembered are the generations of client secrets, and when a former secret ends.
 *
 *   AuthConsumers, Namespaces, ServiceAccounts ─┐
 *   <stack>-client-key × generations ───────────┼─► <stack>-clients ──► auth pods
 *   copies (what consumers may have mounted) ───┘          └──► each consumer's copy, once its client is in there
 */

export interface ClientsPlan {
  readonly actions: readonly ClientsAction[];
  /** What keeps the auth pods from knowing who consents. */
  readonly problem?: ClientsProblem;
  readonly recheckAt?: Millis;
}

export type ClientsProblem = { readonly message: string } & (
  | { readonly status: 'False'; readonly reason: 'SecretNotOwned' | 'SecretMalformed' }
  | { readonly status: 'True'; readonly reason: 'PodsNotTold' }
);

export function planClients(seen: ClientsObservation): ClientsPlan {
  const { stack, stored, clientKey, now } = seen;
  const names = namesOf(stack.metadata.name);
  if (stored.state === 'foreign') return blocked(seen, 'SecretNotOwned', foreignSecret(stack, names.clients));
  const actions = [...theKeyToDeriveFrom(seen), ...theDocument(seen)];
  if (clientKey.state === 'foreign') {
    return { ...blocked(seen, 'SecretNotOwned', foreignSecret(stack, names.clientKey)), actions };
  }
  if (clientKey.state === 'malformed') {
    const message =
      `Secret ${names.clientKey} cannot be read (${clientKey.why}), so no consumer gets a client secret, and none is rotated. ` +
      `Restore it from a backup, or delete it to have every client secret made anew, with overlap: ` +
      `kubectl -n ${namespaceOf(stack)} delete secret ${names.clientKey}`;
    return { actions, problem: { status: 'False', reason: 'SecretMalformed', message } };
  }
  // Stored first: what a pod was told must not be lost with the operator.
  const told = actions.length === 0 ? tellPods(seen) : [];
  const [silent, ...others] = silentPods(seen);
  const isUnderWay = actions.length + told.length > 0 || seen.pods.some(({ version }) => version === 'unknown');
  const deadlines = [...deadlinesOf(seen).filter((at) => at > now), ...(isUnderWay ? [now + TELL_AGAIN] : [])];
  return {
    actions: [...actions, ...told],
    ...(silent && {
      problem: { status: 'True', reason: 'PodsNotTold', message: untold(seen, [silent, ...others]) } as const,
    }),
    ...(deadlines.length > 0 && { recheckAt: Math.min(...deadlines) }),
  };
}

/** Consent that ends is to be refused within five seconds. */
const TELL_AGAIN: Millis = 2_000;

function blocked({ now }: ClientsObservation, reason: 'SecretNotOwned', message: string): ClientsPlan {
  return { actions: [], problem: { status: 'False', reason, message }, recheckAt: now + LOOK_AGAIN };
}

/** Only where somebody needs one. */
function theKeyToDeriveFrom({ stack, clientKey, consenting }: ClientsObservation): readonly ClientsAction[] {
  const isNeeded = consenting.some(({ credential }) => credential.type === 'secret');
  if (stack.spec.suspend || clientKey.state !== 'absent' || !isNeeded) return [];
  return [{ type: 'createClientKey', stack: { namespace: namespaceOf(stack), name: stack.metadata.name } }];
}

function theDocument(seen: ClientsObservation): readonly ClientsAction[] {
  const { stack, stored, generations, now } = seen;
  const before = storedDocument(seen);
  // There is nobody to let in, and nobody to turn away.
  if (stack.spec.suspend && !before) return [];
  const wanted = wantedClients(seen);
  const recorded: StoredClients = stored.state === 'value' ? stored.value : {};
  if (before && sameJson(wanted, contentOf(before)) && sameGenerations(recorded.generations, generations)) return [];
  // By the time alone a clock that is behind would let it stand still; by counting alone one made anew would begin at 1. A pod
  // may know a higher one of a document that was lost.
  const known = seen.pods.map((pod) => (typeof pod.version === 'number' ? pod.version + 1 : 0));
  const version = Math.max((before?.version ?? 0) + 1, now, ...known);
  const value = { document: { version, ...wanted }, generations: { ...generations, changedAt: now } };
  if (stored.state !== 'value') return [createStored(clients, stack, value)];
  return [replaceStored(clients, stack, { value, resourceVersion: stored.resourceVersion })];
}

function contentOf({ version: _version, ...content }: NonNullable<StoredClients['document']>): object {
  return content;
}

function sameGenerations(
  stored: StoredClients['generations'],
  { current, next }: ClientsObservation['generations'],
): boolean {
  return stored?.current === current && stored.next === next;
}

/** What no change announces: the next rotation, and the end of former secrets. */
function deadlinesOf(seen: ClientsObservation): readonly Millis[] {
  const { clientKey, generations, policy, consenting } = seen;
  if (seen.stack.spec.suspend) return [];
  const ends = (storedDocument(seen)?.clients ?? [])
    .flatMap(({ secrets = [] }) => secrets)
    .flatMap(({ notAfter }) => (notAfter === undefined ? [] : [Date.parse(notAfter)]));
  const hasSecrets = consenting.some(({ credential }) => credential.type === 'secret');
  if (clientKey.state !== 'value' || !hasSecrets) return ends;
  return [...ends, rotationDueAt(generations, { policy, keyMadeAt: clientKey.value.madeAt })];
}
