import { z } from 'zod';
import type { Kind, KubernetesObject } from '../runtime/objects.ts';
import { API_VERSION, conditionsSchema, namespaceName, objectName } from './kinds.ts';
import { schemaErrorOf } from './schema-error.ts';

const specSchema = z.object({
  stackRef: z
    .object({ namespace: namespaceName, name: objectName.max(40) })
    .meta({ description: 'The AuthStack whose tokens this service verifies.' }),
  secretName: objectName.meta({
    description: 'The Secret to write beside this object. One that exists and is not ours is never touched.',
  }),
  audience: z
    .string()
    .min(1)
    .max(128)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]*$/)
    .optional()
    .meta({ description: "One of the stack's audiences. Omitted: its first." }),
});

const statusSchema = z.object({
  observedGeneration: z.int().optional(),
  conditions: conditionsSchema.optional(),
  kids: z.array(z.string()).optional().meta({ description: 'Keys in the Secret.', 'x-kubernetes-list-type': 'set' }),
  lastSyncTime: z.string().optional().meta({ format: 'date-time' }),
});

export type AuthConsumerSpec = z.output<typeof specSchema>;
export type AuthConsumerStatus = z.output<typeof statusSchema>;

export interface AuthConsumer extends KubernetesObject {
  readonly spec: AuthConsumerSpec;
  readonly status?: AuthConsumerStatus;
}

/** The invalid fields of a stored AuthConsumer, and why; undefined where all are valid. */
export function authConsumerSchemaError({ spec }: AuthConsumer): string | undefined {
  return schemaErrorOf(spec, specSchema);
}

/** Stands for the stack of those that name none. */
export const NO_STACK = '';

/** The stack that it names; undefined where the spec is broken: one such object must not keep others from theirs. */
export function stackRefOf({ spec }: AuthConsumer): AuthConsumerSpec['stackRef'] | undefined {
  const ref = (spec as Partial<AuthConsumerSpec> | undefined)?.stackRef as Partial<AuthConsumerSpec['stackRef']> | null;
  const { namespace, name } = ref ?? {};
  return typeof namespace === 'string' && typeof name === 'string' ? { namespace, name } : undefined;
}

export const authConsumerKind: Kind<AuthConsumer> = {
  apiVersion: API_VERSION,
  kind: 'AuthConsumer',
  plural: 'authconsumers',
  namespaced: true,
};

export { specSchema as authConsumerSpecSchema, statusSchema as authConsumerStatusSchema };
