import { z } from 'zod';
import type { Condition } from '../runtime/objects.ts';
import { quantity } from './quantity.ts';

/** Fields that occur in more than one place of the kinds. */

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

/** `aud` of a token. */
export const audience = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]*$/);

export const imageReference = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._/:@-]*$/);

const amounts = z.object({
  cpu: quantity.optional().meta({ description: 'In cores: `500m` is half a core.' }),
  memory: quantity.optional().meta({ description: 'In bytes: `512Mi`.' }),
});

export const resourcesSchema = z
  .object({
    requests: amounts.optional().meta({ description: 'What the scheduler reserves on a node.' }),
    limits: amounts.optional().meta({ description: 'What the container cannot exceed.' }),
  })
  .meta({ description: 'CPU and memory of the container. Omitted: small defaults.' });

/** RFC 3339, as every time in Kubernetes. */
export const timestamp = z.string().meta({ format: 'date-time' });

/** Kubernetes' own condition shape (k8s.io/apimachinery meta/v1 Condition). */
const conditionSchema = z
  .object({
    type: z.string().max(316).meta({ description: 'What the condition is about.' }),
    status: z.enum(['True', 'False', 'Unknown']).meta({ description: 'Whether it holds.' }),
    reason: z.string().min(1).max(1024).meta({ description: 'The cause, in one word for programs.' }),
    message: z.string().max(32768).meta({ description: 'The cause and what to do, for people.' }),
    lastTransitionTime: timestamp.meta({ description: 'When `status` last changed.' }),
    observedGeneration: z
      .int()
      .min(0)
      .optional()
      .meta({ description: 'The generation of the spec that was evaluated.' }),
  })
  .meta({ description: 'One observation about the object, as in the Kubernetes API conventions.' });

export const conditionsSchema: z.ZodType<Condition[]> = z
  .array(conditionSchema)
  .max(16)
  .meta({
    description: 'The latest observations, one of each type.',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  });

export const observedGeneration = z
  .int()
  .optional()
  .meta({ description: 'The generation of the spec that the status describes.' });
