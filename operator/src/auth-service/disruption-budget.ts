import type { AuthStack } from '../api/auth-stack.ts';
import { selectorOf } from '../api/names.ts';
import type { KubernetesObject } from '../runtime/objects.ts';
import { objectMeta } from './object-meta.ts';

/** A drain takes one pod at a time. */
export function authPodDisruptionBudget(stack: AuthStack): KubernetesObject {
  const spec = { maxUnavailable: 1, selector: { matchLabels: selectorOf(stack, 'auth') } };
  const metadata = objectMeta(stack);
  return { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec } as KubernetesObject;
}
