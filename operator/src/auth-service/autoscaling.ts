import type { Deployment } from '../runtime/core-kinds.ts';

/*
 * A HorizontalPodAutoscaler sets the replicas through the scale subresource, and the API server notes who did. Applying
 * spec.auth.replicas over that would undo it, every 15 s anew:
 *
 *   autoscaler ──► /scale ──► managedFields: {manager, subresource: scale} ──► the operator applies no replicas
 *   kubectl scale is a person's, and spec.auth.replicas is the place for that: it is put right again
 */

/** Who sets the replicas instead of the spec. */
export function autoscalerOf(deployment: Deployment | undefined): string | undefined {
  const scalers = (deployment?.metadata.managedFields ?? []).filter(({ subresource }) => subresource === 'scale');
  return scalers.map(({ manager }) => manager).find((manager) => !manager.startsWith('kubectl'));
}
