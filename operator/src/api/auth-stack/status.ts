import { z } from 'zod';
import { conditionsSchema, observedGeneration, operatorInstallation, timestamp } from '../fields.ts';

const about = (description: string): { readonly description: string } => ({ description });

const member = z.object({
  name: z.string().meta(about('Name of the pod.')),
  state: z.string().meta(about('PRIMARY, SECONDARY or another state of MongoDB, or why it has none.')),
  health: z.enum(['Healthy', 'Unhealthy', 'Unknown']).meta(about('Healthy: it serves and votes.')),
  optimeLagSeconds: z.int().optional().meta(about('How far it is behind the primary, in steps of ten seconds.')),
});

const mongodb = z.object({
  replicaSetId: z.string().optional().meta(about('Id that MongoDB gave the replica set when it was initiated.')),
  primary: z.string().optional().meta(about('The member that takes writes.')),
  version: z.string().optional().meta(about('The version that members run.')),
  featureCompatibilityVersion: z
    .string()
    .optional()
    .meta(about('The version whose data format is in use; MongoDB can be downgraded to it.')),
  members: z
    .array(member)
    .optional()
    .meta({
      ...about('The members, by name.'),
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
    }),
});

const key = z.object({
  kid: z.string().meta(about('Id of the key.')),
  state: z
    .enum(['Published', 'Active', 'Retiring'])
    .meta(about('Published: known, does not sign yet. Active: signs. Retiring: its last tokens are still valid.')),
  since: timestamp.meta(about('When it entered this state.')),
  until: timestamp.optional().meta(about('When a retiring key is removed.')),
});

/** How many of them have dropped a revoked key. */
const reach = z.object({
  total: z.int().meta(about('How many there are.')),
  reached: z.int().meta(about('How many are known to refuse its tokens.')),
  waiting: z
    .array(z.string())
    .optional()
    .meta({ ...about('The others by name, up to eight.'), 'x-kubernetes-list-type': 'set' }),
});

const revokedKey = z.object({
  kid: z.string(),
  revokedTime: timestamp.meta(about('When it was taken out of the key ring.')),
  mountsUntil: timestamp.meta(
    about(
      'When it is gone from mounted Secrets, at the latest: until then a service that is not connected may accept it.',
    ),
  ),
  cachesUntil: timestamp.meta(
    about('When it is gone from cached key sets, at the latest: until then whoever polls the key set may accept it.'),
  ),
  authPods: reach.optional().meta(about('The auth pods. One that cannot be asked waits.')),
  consumers: reach
    .optional()
    .meta(
      about(
        'The AuthConsumers. One waits while its Secret or a connected instance has the key, and until `mountsUntil` where no instance has confirmed it; its own `status.revokedKeys` tells which.',
      ),
    ),
  reachedTime: timestamp
    .optional()
    .meta(
      about('When no auth pod and no AuthConsumer was waited for any more; from then on the counts stay as they are.'),
    ),
});

const signingKeys = z.object({
  activeKid: z.string().optional().meta(about('Id of the key that signs.')),
  nextKid: z.string().optional().meta(about('Id of the key that signs next.')),
  keys: z
    .array(key)
    .optional()
    .meta({
      ...about('All keys of the published key set.'),
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['kid'],
    }),
  revoked: z
    .array(revokedKey)
    .optional()
    .meta({
      ...about(
        'The keys that were revoked last, up to eight. Auth pods and connected services drop them within seconds; who is not connected, by the times given.',
      ),
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['kid'],
    }),
  wrappingKeyId: z
    .string()
    .optional()
    .meta(about('Id of the key of yours that every private key is wrapped with; absent: they are not wrapped.')),
  lastRotationTime: timestamp.optional().meta(about('When the active key began to sign.')),
  nextRotationTime: timestamp.optional().meta(about('When the next key is due to sign.')),
});

const consumers = z.object({
  total: z.int().meta(about('AuthConsumers that are allowed.')),
  inSync: z.int().meta(about('AuthConsumers whose Secret holds the current keys.')),
});

export const statusSchema = z.object({
  observedGeneration,
  operator: operatorInstallation,
  conditions: conditionsSchema.optional(),
  issuer: z.string().optional().meta(about('Issuer (iss) of the tokens.')),
  mongodb: mongodb.optional().meta(about('The replica set, as last observed.')),
  signingKeys: signingKeys.optional().meta(about('The signing keys, as last observed.')),
  consumers: consumers.optional().meta(about('The AuthConsumers that name this AuthStack.')),
});
