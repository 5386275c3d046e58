import { z } from 'zod';
import type { Kind, KubernetesObject, ObjectRef } from '../runtime/objects.ts';
import {
  audience,
  conditionsSchema,
  namespaceName,
  objectName,
  observedGeneration,
  operatorInstallation,
  timestamp,
} from './fields.ts';
import { API_VERSION } from './kinds.ts';
import { rules } from './rules.ts';
import { schemaErrorOf } from './schema-error.ts';

const specSchema = z.object({
  stackRef: z
    .object({
      namespace: namespaceName.meta({ description: 'Namespace of the AuthStack.' }),
      name: objectName.max(40).meta({ description: 'Name of the AuthStack.' }),
    })
    .meta({ description: 'The AuthStack whose tokens this service verifies.' }),
  secretName: objectName.meta({
    description:
      'Name of the Secret that the operator writes into this namespace. A Secret that the operator did not create is never changed.',
  }),
  audience: audience.optional().meta({ description: "One of the AuthStack's audiences. Omitted: the first." }),
  identity: z
    .object({
      serviceAccountName: objectName.meta({
        description:
          "ServiceAccount of this namespace. Its projected token, with the AuthStack's publicURL as audience, is what the service shows to the auth service.",
      }),
    })
    .optional()
    .meta({
      description:
        'How the service authenticates to the auth service, for renewing tokens. Omitted: by a client secret that the operator puts into the Secret and rotates.',
    }),
});

const statusSchema = z.object({
  observedGeneration,
  operator: operatorInstallation,
  conditions: conditionsSchema.optional(),
  kids: z
    .array(z.string())
    .optional()
    .meta({ description: 'Ids of the public keys in the Secret.', 'x-kubernetes-list-type': 'set' }),
  acknowledgedKids: z.array(z.string()).optional().meta({
    description:
      'Ids of the keys that every connected instance of the service has in its memory. Absent: none is connected.',
    'x-kubernetes-list-type': 'set',
  }),
  lastSyncTime: timestamp.optional().meta({ description: 'When the Secret was last written.' }),
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

/** The Secret that it names, beside it; undefined where the spec is broken. */
export function secretRefOf({ metadata, spec }: AuthConsumer): ObjectRef | undefined {
  const name: unknown = (spec as Partial<AuthConsumerSpec> | undefined)?.secretName;
  return typeof name === 'string' ? { namespace: metadata.namespace ?? '', name } : undefined;
}

/** The ServiceAccount that it names, beside it; undefined where it names none, or the spec is broken. */
export function serviceAccountRefOf({ metadata, spec }: AuthConsumer): ObjectRef | undefined {
  const identity = (spec as Partial<AuthConsumerSpec> | undefined)?.identity as Partial<
    NonNullable<AuthConsumerSpec['identity']>
  > | null;
  const name: unknown = identity?.serviceAccountName;
  return typeof name === 'string' ? { namespace: metadata.namespace ?? '', name } : undefined;
}

export const authConsumerKind: Kind<AuthConsumer> = {
  apiVersion: API_VERSION,
  kind: 'AuthConsumer',
  plural: 'authconsumers',
  namespaced: true,
};

/** Object-level rules: the name becomes a label of the Secret. */
export const authConsumerRules = rules({
  rule: 'size(self.metadata.name) <= 63',
  message: 'metadata.name must be at most 63 characters',
});

export { specSchema as authConsumerSpecSchema, statusSchema as authConsumerStatusSchema };
