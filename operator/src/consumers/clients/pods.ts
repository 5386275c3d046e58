import { namespaceOf } from '../../api/names.ts';
import { rfc3339 } from '../../runtime/conditions.ts';
import type { Millis } from '../../runtime/objects.ts';
import { storedDocument } from './document.ts';
import type { ClientHolder, ClientsAction, ClientsObservation, ClientsPolicy } from './types.ts';

/*
 * Auth pods mount the document, and kubelet shows them a change within `volumeRefresh`. That is too late for a consent that was
 * withdrawn, so each is told. Until its mount is fresh a pod is asked in each pass: it may not have answered, or its container
 * may have started again and read the mount of before.
 */

/** By then every mount shows what is stored; Infinity while nothing is. */
export function mountsAreFreshAt(
  stored: ClientsObservation['stored'],
  { volumeRefresh, clockSkew }: ClientsPolicy,
): Millis {
  const changedAt = stored.state === 'value' ? stored.value.generations?.changedAt : undefined;
  return changedAt === undefined ? Infinity : changedAt + volumeRefresh + clockSkew;
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
  const { stack, stored, policy } = seen;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  const command = `kubectl -n ${namespaceOf(stack)} delete pod ${pod.name}`;
  const way = pod.isTerminating
    ? `Once its node is known to be off: ${command} --force --grace-period=0`
    : `If that must not be, delete it: ${command}`;
  const freshAt = mountsAreFreshAt(stored, policy);
  const until = Number.isFinite(freshAt) ? ` (by ${rfc3339(freshAt)})` : '';
  return (
    `Pod ${pod.name}${more} cannot be told whom to let in, so it may let in a consumer whose consent has ended ` +
    `until its mounted Secret is updated${until}. ${way}`
  );
}
