import { namespaceOf } from '../../api/names.ts';
import type { Reachability } from '../../auth-pods/reachability.ts';
import { rfc3339 } from '../../runtime/conditions.ts';
import type { Millis } from '../../runtime/objects.ts';
import { storedDocument } from './document.ts';
import type { ClientHolder, ClientsAction, ClientsObservation, ClientsPolicy } from './types.ts';

/*
 * Auth pods mount the document, and kubelet shows them a change within `volumeRefresh`. That is too late for a consent that was
 * withdrawn, so each is told. Until its mount is fresh a pod is asked in each pass, for it may not have answered; and so is one whose
 * container has just started, or that could not be reached before: its mount may be that of before.
 */

interface Started {
  readonly startedAt: Millis | undefined;
  readonly reachability: Reachability;
}

/** Whether what it mounts may be older than what is stored; then it is asked. */
export function mayBeBehind(
  { startedAt, reachability }: Started,
  { stored, policy, now }: Pick<ClientsObservation, 'stored' | 'policy' | 'now'>,
): boolean {
  const isBack = reachability.state === 'answers' && reachability.steadyFor < mountsTake(policy);
  return isBack || now < mountsAreFreshAt({ startedAt }, stored, policy);
}

/** How late a mount may be. */
function mountsTake({ volumeRefresh, clockSkew }: ClientsPolicy): Millis {
  return volumeRefresh + clockSkew;
}

/** By then the mount of a pod shows what is stored; Infinity while nothing is. */
function mountsAreFreshAt(
  { startedAt = 0 }: Pick<ClientHolder, 'startedAt'>,
  stored: ClientsObservation['stored'],
  policy: ClientsPolicy,
): Millis {
  const changedAt = stored.state === 'value' ? stored.value.generations?.changedAt : undefined;
  return changedAt === undefined ? Infinity : Math.max(changedAt, startedAt) + mountsTake(policy);
}

export function tellPods(seen: ClientsObservation): readonly ClientsAction[] {
  const wanted = storedDocument(seen);
  if (!wanted) return [];
  const pods = seen.pods.flatMap(({ name, ip, version }) =>
    typeof version === 'number' && version < wanted.version && ip !== undefined ? [{ name, ip }] : [],
  );
  const stack = { namespace: namespaceOf(seen.stack), name: seen.stack.metadata.name };
  return pods.length === 0 ? [] : [{ type: 'reloadClients', stack, pods, wanted }];
}

/** Those that should answer by now. */
export function silentPods({ pods, now }: ClientsObservation): readonly ClientHolder[] {
  return pods.filter(
    ({ version, startedAt }) => version === 'unknown' && (startedAt === undefined || now >= startedAt + STARTS_WITHIN),
  );
}

const STARTS_WITHIN: Millis = 30_000;

/** Of the first of them: what it may still do, until when, and what a person can do. */
export function untold(seen: ClientsObservation, [pod, ...others]: readonly [ClientHolder, ...ClientHolder[]]): string {
  const { stack, stored, policy, now } = seen;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  const command = `kubectl -n ${namespaceOf(stack)} delete pod ${pod.name}`;
  const way = pod.isTerminating
    ? `Once its node is known to be off: ${command} --force --grace-period=0`
    : `If that must not be, delete it: ${command}`;
  const freshAt = mountsAreFreshAt(pod, stored, policy);
  // One that could not be reached for longer than that may be on a node that cannot reach the API server either.
  const until = Number.isFinite(freshAt) && freshAt > now ? ` (by ${rfc3339(freshAt)})` : '';
  return (
    `Pod ${pod.name}${more} cannot be told whom to let in, so it may let in a consumer whose consent has ended ` +
    `until its mounted Secret is updated${until}. ${way}`
  );
}
