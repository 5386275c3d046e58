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

/** How far a revocation has come with a consumer. */
export const revokedStates = ['Held', 'Unconfirmed', 'Dropped'] as const;
export type RevokedState = (typeof revokedStates)[number];

const revokedKey = z.object({
  kid: z.string().meta({ description: 'Id of the key.' }),
  state: z.enum(revokedStates).meta({
    description:
      'Held: the Secret, or a connected instance of the service, still has it. Unconfirmed: the Secret has it no longer, and nobody has confirmed that the service has neither, because no instance is connected, for example. Dropped: every connected instance has confirmed it, or `until` has passed.',
  }),
  since: timestamp.meta({ description: 'When it was first seen in this state.' }),
  until: timestamp.meta({ description: 'When instances that are not connected have dropped it, at the latest.' }),
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
  revokedKeys: z
    .array(revokedKey)
    .optional()
    .meta({
      description:
        'The keys of the AuthStack that were revoked last, up to eight: whether this service still accepts their tokens.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['kid'],
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
