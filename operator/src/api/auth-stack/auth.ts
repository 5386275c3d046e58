import { z } from 'zod';
import { durationSchema } from '../duration.ts';
import { audience, imageReference, objectName, resourcesSchema } from '../fields.ts';
import { rules } from '../rules.ts';
import { text } from '../text.ts';

const cidr = z
  .string()
  .max(43)
  .meta({
    ...rules(
      { rule: 'isCIDR(self)', message: 'a trusted proxy must be a CIDR such as 10.0.0.0/8' },
      {
        // As the auth service's own environment says.
        rule: '!isCIDR(self) || cidr(self).prefixLength() >= (cidr(self).ip().family() == 4 ? 8 : 7)',
        message:
          'a trusted proxy must be a network of at least 8 bits (IPv4) or 7 (IPv6): whoever is in it can name any address as its own',
      },
    ),
  });

const pageSchema = z
  .object({
    title: text({
      max: 60,
      pattern: /^\S(.*\S)?$/,
      message: 'must be one line without a space at either end, such as Ticket shop',
    })
      .optional()
      .meta({ description: 'What people know this place as. Omitted: the host of publicURL.' }),
    color: text({ max: 7, pattern: /^#[0-9a-fA-F]{6}$/, message: 'must be a colour such as #0f766e' })
      .optional()
      .meta({
        description:
          'Colour of buttons and links; the page darkens or lightens it where it could not be read, in the light and the dark theme.',
      }),
    supportURL: text({
      max: 512,
      pattern: /^(https:[/]{2}|mailto:)[!-~]+$/,
      message: 'must be an address such as https://example.com/help or mailto:help@example.com',
    })
      .optional()
      .meta({ description: 'Where people whose account is banned or disabled get help.' }),
  })
  .optional()
  .meta({ description: 'How the sign-in page presents itself. Its light and dark theme follow the browser.' });

export const authSchema = z
  .object({
    replicas: z.int().min(1).max(20).default(2).meta({
      description: 'How many pods of the auth service run, unless an autoscaler scales the Deployment.',
    }),
    accessTokenTTL: durationSchema
      .default('30m')
      .meta({ description: 'Lifetime of an access token: its exp is iat plus this.' }),
    sessionTTL: durationSchema.default('30d').meta({ description: 'Lifetime of a session, used or not.' }),
    sessionIdleTTL: durationSchema
      .default('7d')
      .meta({ description: 'A session ends when it has not been used for this long.' }),
    inlineRefresh: z.boolean().default(true).meta({
      description:
        'true: a consumer may refresh the expired token of its caller. false: only the browser refreshes, and the session cookie never reaches a consumer.',
    }),
    audience: z.array(audience).min(1).max(16).meta({
      description: 'Audiences (aud) that tokens are issued for; the first is the default.',
      'x-kubernetes-list-type': 'set',
    }),
    initialAdmin: z
      .object({
        secretRef: z
          .object({ name: objectName.meta({ description: 'Name of the Secret, in the namespace of the AuthStack.' }) })
          .meta({ description: 'A Secret with the keys `email` and `password`.' }),
      })
      .optional()
      .meta({ description: 'The first administrator, created when there is none.' }),
    trustedProxies: z.array(cidr).max(32).default([]).meta({
      description:
        'Networks of reverse proxies, as CIDRs: the client is the right-most address of X-Forwarded-For that is not of these. Throttles count by it; without the networks of your Ingress controller all its clients count as one.',
    }),
    ingress: z
      .object({
        className: objectName.optional().meta({ description: "IngressClass. Omitted: the cluster's default." }),
        tlsSecretName: objectName
          .optional()
          .meta({ description: "Secret with the host's certificate. Omitted: what the Ingress controller serves." }),
      })
      .optional()
      .meta({ description: 'Creates an Ingress for the host of publicURL.' }),
    password: z
      .object({
        minLength: z.int().min(8).max(64).default(8).meta({ description: 'How many characters it has at least.' }),
      })
      .prefault({})
      .meta({ description: 'What is required of a new password.' }),
    page: pageSchema,
    image: imageReference.optional().meta({ description: "Image of the auth service. Omitted: the chart's." }),
    resources: resourcesSchema.optional(),
  })
  .meta({
    description: 'The auth service.',
    ...rules(
      ...['accessTokenTTL', 'sessionTTL', 'sessionIdleTTL'].map((field) => ({
        rule: `self.${field} >= duration('1s')`,
        message: `auth.${field} must be at least 1s`,
      })),
      {
        rule: 'self.sessionIdleTTL <= self.sessionTTL',
        message: 'auth.sessionIdleTTL must not be longer than auth.sessionTTL',
      },
    ),
  });
