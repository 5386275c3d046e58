import { z } from 'zod';
import type { Kind, KubernetesObject } from '../runtime/objects.ts';
import { authSchema } from './auth-stack/auth.ts';
import { consumersSchema } from './auth-stack/consumers.ts';
import { mongodbSchema } from './auth-stack/mongodb.ts';
import { hasAddress, publicURL } from './auth-stack/public-url.ts';
import { signingKeysSchema } from './auth-stack/signing-keys.ts';
import { statusSchema } from './auth-stack/status.ts';
import { tokensFitACookie } from './auth-stack/token-size.ts';
import { API_VERSION } from './kinds.ts';
import { rules } from './rules.ts';
import { schemaErrorOf } from './schema-error.ts';

const specSchema = z
  .object({
    publicURL,
    auth: authSchema,
    mongodb: mongodbSchema.prefault({}),
    signingKeys: signingKeysSchema.prefault({}),
    consumers: consumersSchema.prefault({}),
    updates: z
      .object({
        policy: z.enum(['Automatic', 'OnRequest']).default('Automatic').meta({
          description:
            'Automatic: members restart one by one when their pod template changes. OnRequest: they restart once the annotation authstack.dev/update-members approves it.',
        }),
      })
      .prefault({})
      .meta({ description: 'When the operator may restart members of the replica set.' }),
    suspend: z.boolean().default(false).meta({
      description:
        'true: the operator only reports the status. It repairs nothing and rotates no key; what runs keeps running. Deleting the AuthStack still works.',
    }),
    deletionPolicy: z.enum(['Retain', 'Delete']).default('Retain').meta({
      description:
        'What happens to volumes and Secrets when the AuthStack is deleted. Retain: they stay, and an AuthStack of the same name adopts them. Delete: they are deleted.',
    }),
  })
  .meta({
    ...rules(
      {
        rule: `!has(self.auth.ingress) || !${hasAddress('self.publicURL')}`,
        message: 'auth.ingress needs a publicURL with a DNS name: the rules of an Ingress take no IP address',
        messageExpression:
          "'auth.ingress needs a publicURL with a DNS name, not %s: the rules of an Ingress take no IP address; remove auth.ingress, or make the AuthStack anew with a name'.format([self.publicURL])",
      },
      {
        rule: '(self.auth.accessTokenTTL + self.signingKeys.propagation.clockSkew).getSeconds() <= 10 * self.signingKeys.rotationInterval.getSeconds()',
        message:
          'auth.accessTokenTTL plus signingKeys.propagation.clockSkew must be at most 10 times signingKeys.rotationInterval',
        messageExpression:
          "'auth.accessTokenTTL plus signingKeys.propagation.clockSkew must be at most %ds, 10 times signingKeys.rotationInterval'.format([10 * self.signingKeys.rotationInterval.getSeconds()])",
      },
      tokensFitACookie,
    ),
  });

export { mongodbVersions } from './auth-stack/mongodb.ts';

export type AuthStackSpec = z.output<typeof specSchema>;
export type AuthStackStatus = z.output<typeof statusSchema>;

/** What an API client sends: defaulted fields may be absent. */
export type AuthStackSpecInput = z.input<typeof specSchema>;

export interface AuthStack extends KubernetesObject {
  readonly spec: AuthStackSpec;
  readonly status?: AuthStackStatus;
}

/** The invalid fields of a stored AuthStack, and why; undefined where all are valid. */
export function authStackSchemaError({ spec }: AuthStack): string | undefined {
  return schemaErrorOf(spec, specSchema);
}

export const authStackKind: Kind<AuthStack> = {
  apiVersion: API_VERSION,
  kind: 'AuthStack',
  plural: 'authstacks',
  namespaced: true,
};

const IMPORT = 'self.spec.signingKeys.importFrom';
const OLD_IMPORT = 'oldSelf.spec.signingKeys.importFrom';

/** Rules of the object as a whole. */
export const authStackRules = rules(
  {
    // The stack's objects are called `<stack>-…` and must stay DNS labels.
    rule: "size(self.metadata.name) <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    message: 'metadata.name must be at most 40 lower-case letters, digits and hyphens, starting with a letter',
  },
  {
    // Nobody should believe that a key is in use which nobody reads any more.
    rule:
      '!has(self.status) || !has(self.status.signingKeys) || !has(self.status.signingKeys.activeKid) || ' +
      `!has(${IMPORT}) || (has(${OLD_IMPORT}) && ${IMPORT} == ${OLD_IMPORT})`,
    message:
      'signingKeys.importFrom is read only while the stack has no signing keys, and it has; remove the field, or make a new AuthStack with it',
  },
);

export { specSchema as authStackSpecSchema, statusSchema as authStackStatusSchema };
