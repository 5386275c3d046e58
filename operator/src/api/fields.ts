import { z } from 'zod';
import type { Condition } from '../runtime/objects.ts';
import { quantity } from './quantity.ts';
import { rules } from './rules.ts';
import type { Rule } from './rules.ts';
import { text } from './text.ts';

/** Fields that occur in more than one place of the kinds. */

/** A name of an object: DNS-1123 subdomain. */
export const objectName = text({
  max: 253,
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  message: 'must be a name of a Kubernetes object: lower-case letters, digits, hyphens and dots, such as shop-tls',
});

/** A name of a namespace: DNS-1123 label. */
export const namespaceName = text({
  max: 63,
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  message: 'must be a name of a Namespace: lower-case letters, digits and hyphens',
});

/** Of an entry of a Secret. */
export const secretKey = text({
  max: 253,
  pattern: /^[-._a-zA-Z0-9]*[-_a-zA-Z0-9][-._a-zA-Z0-9]*$/,
  message: 'must be a key of a Secret: letters, digits and - _ .',
});

/** `aud` of a token. */
export const audience = text({
  max: 128,
  pattern: /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/,
  message: 'must be letters, digits and . _ : / -, starting with a letter or digit, such as shop',
});

const host =
  /([a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(:[0-9]+)?/;
const path = /[a-z0-9]+(([_.]|__|-+)[a-z0-9]+)*/;
const tag = /[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}/;
const digest = /[a-z0-9]+:[a-f0-9]{64,128}/;

/** `host:port/path:tag@digest`, as container runtimes read it (github.com/distribution/reference); the pod of any other waits for ever. */
export const imageReference = text({
  max: 512,
  pattern: new RegExp(`^(${host.source}/)?${path.source}(/${path.source})*(:${tag.source})?(@${digest.source})?$`),
  message: 'must be an image, [host[:port]/]path[:tag][@digest], such as registry.example.com/team/auth:1.2',
});

const amounts = z.object({
  cpu: quantity.optional().meta({ description: 'In cores: `500m` is half a core.' }),
  memory: quantity.optional().meta({ description: 'In bytes: `512Mi`.' }),
});

export const resourcesSchema = z
  .object({
    requests: amounts.optional().meta({ description: 'What the scheduler reserves on a node.' }),
    limits: amounts.optional().meta({ description: 'What the container cannot exceed.' }),
  })
  .meta({
    description: 'CPU and memory of the container. Omitted: small defaults.',
    ...rules(...(['cpu', 'memory'] as const).map(requestWithinLimit)),
  });

function requestWithinLimit(resource: 'cpu' | 'memory'): Rule {
  const [request, limit] = [`self.requests.${resource}`, `self.limits.${resource}`];
  const areGiven = `has(self.requests) && has(self.limits) && has(${request}) && has(${limit})`;
  return {
    rule: `!(${areGiven}) || quantity(${request}).compareTo(quantity(${limit})) <= 0`,
    message: `requests.${resource} must not be above limits.${resource}`,
    messageExpression: `'requests.${resource} is %s, above limits.${resource} of %s; lower the one or raise the other'.format([${request}, ${limit}])`,
  };
}

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

/** Written by the runtime with every status. */
export const operatorInstallation = z
  .string()
  .optional()
  .meta({ description: 'The installation of the operator that reconciles it, by namespace and name of its Lease.' });

export const observedGeneration = z
  .int()
  .optional()
  .meta({ description: 'The generation of the spec that the status describes.' });
