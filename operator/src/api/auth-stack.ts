import { z } from 'zod';
import type { Kind, KubernetesObject } from '../runtime/objects.ts';
import { durationInCel, durationSchema } from './duration.ts';
import {
  API_VERSION,
  conditionsSchema,
  imageReference,
  immutable,
  namespaceName,
  objectName,
  quantity,
  resourcesSchema,
  rules,
} from './kinds.ts';
import { schemaErrorOf } from './schema-error.ts';

const localHosts = "['localhost', '127.0.0.1', '[::1]', '::1']";

const publicURL = z
  .string()
  .min(1)
  .max(253)
  .regex(/^https?:\/\/[a-z0-9.[\]:-]+$/)
  .meta({
    description:
      'Where browsers reach the stack: scheme, host and port, no path. It is the issuer of every token and the sole allowed origin. Plain http only for localhost, *.localhost, 127.0.0.1 and [::1].',
    ...rules(
      immutable('publicURL', 'it is the issuer of every token; make a new AuthStack for a new address'),
      {
        rule: `isURL(self) && (url(self).getScheme() == 'https' || url(self).getHostname() in ${localHosts} || url(self).getHostname().endsWith('.localhost'))`,
        message: 'publicURL must be https://host[:port]; http only for localhost, *.localhost, 127.0.0.1 and [::1]',
      },
      {
        rule: "!isURL(self) || url(self).getPort() != (url(self).getScheme() == 'https' ? '443' : '80')",
        message: 'publicURL must leave out the default port of its scheme, as browsers do in Origin',
      },
    ),
  });

const secretReference = z.object({ name: objectName });

const audience = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/-]*$/);

const cidr = z
  .string()
  .max(43)
  .meta({ ...rules({ rule: 'isCIDR(self)', message: 'a trusted proxy must be a CIDR such as 10.0.0.0/8' }) });

const authSchema = z
  .object({
    replicas: z.int().min(1).max(20).default(2).meta({ description: 'Pods of the auth service.' }),
    accessTokenTTL: durationSchema.default('30m').meta({ description: 'exp = iat + this. A token has no other age.' }),
    sessionTTL: durationSchema.default('30d').meta({ description: 'The absolute end of a session.' }),
    sessionIdleTTL: durationSchema.default('7d').meta({ description: 'A session unused for this long ends.' }),
    inlineRefresh: z.boolean().default(true).meta({
      description:
        'A consumer may refresh an expired token for its caller. false: only the browser does, and the session cookie never reaches a consumer.',
    }),
    audience: z.array(audience).min(1).max(16).meta({
      description: 'Audiences of the tokens; the first is the default.',
      'x-kubernetes-list-type': 'set',
    }),
    initialAdmin: z
      .object({ secretRef: secretReference })
      .optional()
      .meta({ description: 'A Secret with `email` and `password` of the first admin. Read when there is none.' }),
    trustedProxies: z.array(cidr).max(32).default([]).meta({
      description: 'Networks whose X-Forwarded-For is believed.',
    }),
    ingress: z
      .object({ className: objectName.optional(), tlsSecretName: objectName.optional() })
      .optional()
      .meta({ description: 'Make an Ingress for the host of publicURL.' }),
    password: z
      .object({ minLength: z.int().min(8).max(64).default(8) })
      .prefault({})
      .meta({ description: 'What a new password must be.' }),
    image: imageReference.optional().meta({ description: "Overrides the chart's image of the auth service." }),
    resources: resourcesSchema.optional(),
  })
  .meta({
    description: 'The auth service.',
    ...rules({
      rule: `${durationInCel('self.sessionIdleTTL')} <= ${durationInCel('self.sessionTTL')}`,
      message: 'auth.sessionIdleTTL must not be longer than auth.sessionTTL',
    }),
  });

/** Major versions in their order; an upgrade goes from one to the next. */
export const mongodbVersions = ['4.4', '5.0', '6.0', '7.0', '8.0'] as const;

const mongodbSchema = z
  .object({
    version: z
      .enum(mongodbVersions)
      .optional()
      .meta({
        description:
          "MongoDB's version. Omitted: the chart's default, recorded when the database is founded. Raised by one major version at a time; lowered only as long as the feature compatibility version is still the old one. 4.4, 5.0 and 6.0 are out of support at MongoDB: for tests only.",
        ...rules({
          rule: 'double(self) <= double(oldSelf) + 1.0',
          message: 'mongodb.version must be raised one major version at a time',
        }),
      }),
    image: imageReference.optional().meta({ description: 'Overrides the image that the version stands for.' }),
    members: z.literal([1, 3, 5, 7]).default(3).meta({
      description:
        'Members of the replica set. It grows and shrinks by one member at a time, and one that leaves is always the last.',
    }),
    storage: z
      .object({
        size: quantity.default('10Gi').meta({
          description: 'Size of each volume. It can grow where the StorageClass allows it, and never shrinks.',
        }),
        className: objectName
          .optional()
          .meta({ description: "StorageClass. Omitted: the cluster's default. Immutable." }),
        autoGrow: z
          .object({
            atPercent: z.int().min(50).max(95).default(80).meta({ description: 'How full a volume is when all grow.' }),
            maxSize: quantity.meta({ description: 'No volume grows by itself beyond this.' }),
          })
          .optional()
          .meta({ description: 'Volumes grow by half as soon as one of them is nearly full.' }),
      })
      .prefault({})
      .meta({
        description: 'The persistent volume of each member.',
        ...rules(
          {
            rule: 'quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0',
            message: 'mongodb.storage.size cannot shrink: volumes only grow',
          },
          {
            rule: 'has(self.className) == has(oldSelf.className) && (!has(self.className) || self.className == oldSelf.className)',
            message: 'mongodb.storage.className is immutable; make a new AuthStack for volumes of another class',
          },
        ),
      }),
    hibernate: z.boolean().default(false).meta({
      description: 'Run no member and keep the volumes. Nobody can sign in meanwhile; false brings everything back.',
    }),
    resources: resourcesSchema.optional(),
    external: z
      .object({ uriSecretRef: z.object({ name: objectName, key: z.string().min(1).max(253).default('uri') }) })
      .optional()
      .meta({
        description:
          'A replica set of your own instead of all the above: a Secret of this namespace whose key holds its connection string (mongodb:// or mongodb+srv://), database included. The operator makes no member and keeps no data.',
      }),
  })
  .meta({
    description: 'The database: always a replica set on persistent volumes, even with one member.',
    ...rules(
      {
        rule: 'has(self.version) || !has(oldSelf.version)',
        message: 'mongodb.version cannot be removed once set',
      },
      {
        rule: 'has(self.external) == has(oldSelf.external)',
        message: 'mongodb.external cannot be added or removed: users do not move by themselves; make a new AuthStack',
      },
    ),
  });

const propagationSchema = z
  .object({
    jwksMaxAge: durationSchema.default('5m').meta({ description: 'How long a reader may cache the public keys.' }),
    volumeRefresh: durationSchema.default('2m').meta({ description: 'How long kubelet takes to refresh a mount.' }),
    clockSkew: durationSchema.default('60s').meta({ description: 'How far clocks may differ.' }),
  })
  .meta({ description: 'How keys spread; every lead and horizon derives from these.' });

const propagationSum = ['jwksMaxAge', 'volumeRefresh', 'clockSkew']
  .map((part) => durationInCel(`self.propagation.${part}`))
  .join(' + ');

const signingKeysSchema = z
  .object({
    algorithm: z.enum(['ES256', 'RS256']).default('ES256').meta({ description: 'RS256 keys have 3072 bits.' }),
    rotationInterval: durationSchema.default('30d').meta({ description: 'How long one key signs.' }),
    propagation: propagationSchema.prefault({}),
  })
  .meta({
    description: 'The keys that sign tokens; they rotate by themselves.',
    ...rules(
      {
        rule: `${durationInCel('self.rotationInterval')} >= ${propagationSum}`,
        message: 'signingKeys.rotationInterval must be at least the sum of signingKeys.propagation',
        messageExpression: `'signingKeys.rotationInterval must be at least %ds, the sum of signingKeys.propagation'.format([${propagationSum}])`,
      },
      {
        rule: `${durationInCel('self.rotationInterval')} >= 60`,
        message: 'signingKeys.rotationInterval must be at least 1m',
      },
    ),
  });

const labelValue = z.string().max(63);
const labelSelector = z
  .object({
    matchLabels: z.record(z.string().max(317), labelValue).optional(),
    matchExpressions: z
      .array(
        z.object({
          key: z.string().min(1).max(317),
          operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
          values: z.array(labelValue).max(32).optional(),
        }),
      )
      .max(16)
      .optional(),
  })
  .meta({ description: 'Labels of the namespaces, as in meta/v1 LabelSelector.' });

const consumersSchema = z
  .object({
    allowedNamespaces: z
      .object({
        from: z.enum(['Same', 'All', 'Selector']).default('Same'),
        selector: labelSelector.optional(),
      })
      .prefault({})
      .meta({
        description: 'Namespaces whose AuthConsumers may have the public keys.',
        ...rules({
          rule: "(self.from == 'Selector') == has(self.selector)",
          message: 'consumers.allowedNamespaces.selector goes with from: Selector, and only with it',
        }),
      }),
  })
  .meta({ description: "The stack's side of the consent; an AuthConsumer is the other." });

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
            'Automatic: members restart one by one when their pod template changes. OnRequest: they wait for the annotation authstack.dev/update-members.',
        }),
      })
      .prefault({})
      .meta({ description: 'When the operator may restart members of the database.' }),
    suspend: z.boolean().default(false).meta({
      description:
        'The operator tells the status and writes nothing else: nothing is repaired, no key rotates. What runs goes on, and a deletion still ends.',
    }),
    deletionPolicy: z.enum(['Retain', 'Delete']).default('Retain').meta({
      description:
        'What becomes of volumes and Secrets when the AuthStack is deleted. Retain: re-creating it adopts them.',
    }),
  })
  .meta({
    ...rules({
      rule: `${durationInCel('self.auth.accessTokenTTL')} + ${durationInCel('self.signingKeys.propagation.clockSkew')} <= 10 * ${durationInCel('self.signingKeys.rotationInterval')}`,
      message:
        'auth.accessTokenTTL plus signingKeys.propagation.clockSkew must be at most 10 times signingKeys.rotationInterval',
      messageExpression: `'auth.accessTokenTTL plus signingKeys.propagation.clockSkew must be at most %ds, 10 times signingKeys.rotationInterval'.format([10 * ${durationInCel('self.signingKeys.rotationInterval')}])`,
    }),
  });

const timestamp = z.string().meta({ format: 'date-time' });

const statusSchema = z.object({
  observedGeneration: z.int().optional(),
  conditions: conditionsSchema.optional(),
  issuer: z.string().optional(),
  mongodb: z
    .object({
      replicaSetId: z.string().optional(),
      primary: z.string().optional(),
      version: z.string().optional(),
      featureCompatibilityVersion: z.string().optional(),
      members: z
        .array(
          z.object({
            name: z.string(),
            state: z.string(),
            health: z.enum(['Healthy', 'Unhealthy', 'Unknown']),
            optimeLagSeconds: z.int().optional(),
          }),
        )
        .optional()
        .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }),
    })
    .optional(),
  signingKeys: z
    .object({
      activeKid: z.string().optional(),
      nextKid: z.string().optional(),
      keys: z
        .array(
          z.object({
            kid: z.string(),
            state: z.enum(['Published', 'Active', 'Retiring']),
            since: timestamp,
            until: timestamp.optional(),
          }),
        )
        .optional()
        .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['kid'] }),
      lastRotationTime: timestamp.optional(),
      nextRotationTime: timestamp.optional(),
    })
    .optional(),
  consumers: z.object({ total: z.int(), inSync: z.int() }).optional(),
});

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

/** Object-level rules: names of the stack's objects are `<stack>-…` and must stay DNS labels. */
export const authStackRules = rules({
  rule: "size(self.metadata.name) <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
  message: 'metadata.name must be at most 40 lower-case letters, digits and hyphens, starting with a letter',
});

export { specSchema as authStackSpecSchema, statusSchema as authStackStatusSchema, namespaceName, audience };
