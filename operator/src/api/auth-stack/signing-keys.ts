import { z } from 'zod';
import { durationSchema } from '../duration.ts';
import { rules } from '../rules.ts';

const propagationSchema = z
  .object({
    jwksMaxAge: durationSchema
      .default('5m')
      .meta({ description: 'How long consumers may cache the public keys (Cache-Control: max-age of the key set).' }),
    volumeRefresh: durationSchema
      .default('2m')
      .meta({ description: 'How long the kubelet takes to update a mounted Secret.' }),
    clockSkew: durationSchema.default('60s').meta({ description: 'How far the clocks of two machines may differ.' }),
  })
  .meta({ description: 'How long a new key takes to reach everybody who verifies tokens. It signs only after that.' });

const propagationSum = ['jwksMaxAge', 'volumeRefresh', 'clockSkew']
  .map((part) => `self.propagation.${part}`)
  .join(' + ');

export const signingKeysSchema = z
  .object({
    algorithm: z
      .enum(['ES256', 'RS256', 'EdDSA'])
      .default('ES256')
      .meta({ description: 'Algorithm of new keys. Keys for RS256 have 3072 bits, those for EdDSA are of Ed25519.' }),
    rotationInterval: durationSchema
      .default('30d')
      .meta({ description: 'How long a key signs before the next one takes over.' }),
    propagation: propagationSchema.prefault({}),
    maxWait: durationSchema.default('1h').meta({
      description: 'How long the next key waits for a service that has vanished without having acknowledged it.',
    }),
  })
  .meta({
    description: 'The keys that sign access tokens, and their rotation.',
    ...rules(
      {
        rule: `self.rotationInterval >= ${propagationSum}`,
        message: 'signingKeys.rotationInterval must be at least the sum of signingKeys.propagation',
        messageExpression: `'signingKeys.rotationInterval must be at least %ds, the sum of signingKeys.propagation'.format([(${propagationSum}).getSeconds()])`,
      },
      {
        rule: "self.rotationInterval >= duration('1m')",
        message: 'signingKeys.rotationInterval must be at least 1m',
      },
      // Auth pods remember those that have vanished for a day.
      { rule: "self.maxWait <= duration('24h')", message: 'signingKeys.maxWait must be at most 24h' },
    ),
  });
