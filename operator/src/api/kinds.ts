import type { Condition } from '../runtime/objects.ts';
import { z } from 'zod';

export const GROUP = 'authstack.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** Kubernetes' own condition shape (k8s.io/apimachinery meta/v1 Condition). */
export const conditionSchema = z
  .object({
    type: z.string().max(316),
    status: z.enum(['True', 'False', 'Unknown']),
    reason: z.string().min(1).max(1024),
    message: z.string().max(32768),
    lastTransitionTime: z.string().meta({ format: 'date-time' }),
    observedGeneration: z.int().min(0).optional(),
  })
  .meta({ description: 'One observation about the object, as in the Kubernetes API conventions.' });

export const conditionsSchema: z.ZodType<Condition[]> = z
  .array(conditionSchema)
  .max(16)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });

/** A name of an object: DNS-1123 subdomain. */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);

/** A name of a namespace: DNS-1123 label. */
export const namespaceName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

/** A Kubernetes quantity, `10Gi` or `500m` (k8s.io/apimachinery resource.Quantity). */
export const quantity = z
  .string()
  .max(32)
  .regex(/^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/);

export const resourcesSchema = z
  .object({
    requests: z.object({ cpu: quantity.optional(), memory: quantity.optional() }).optional(),
    limits: z.object({ cpu: quantity.optional(), memory: quantity.optional() }).optional(),
  })
  .meta({ description: 'CPU and memory of the container.' });

export const imageReference = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._/:@-]*$/);

export interface Rule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
}

/** CEL rules for the schema they are given to; the first of two texts is the fall-back when the other fails. */
export function rules(...list: readonly Rule[]): { 'x-kubernetes-validations': readonly Rule[] } {
  return { 'x-kubernetes-validations': list };
}

export function immutable(field: string, way: string): Rule {
  return { rule: 'self == oldSelf', message: `${field} is immutable; ${way}` };
}
