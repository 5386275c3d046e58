import { z } from 'zod';
import { durationSchema } from '../duration.ts';
import { objectName, secretKey } from '../fields.ts';
import { rules } from '../rules.ts';
import { text } from '../text.ts';

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

/** As other issuers name their keys. It occurs in commands that messages show, so it needs no quotes in a shell. */
export const importedKid = text({
  max: 128,
  pattern: /^[A-Za-z0-9._:/+=@-]+$/,
  message: 'must be a kid of letters, digits and . _ : / + = @ -, as the tokens of that key carry it',
});

const importFromSchema = z
  .object({
    secretRef: z
      .object({
        name: objectName.meta({ description: 'Name of the Secret, in the namespace of the AuthStack.' }),
        key: secretKey.default('key').meta({ description: 'Key whose value is the private key.' }),
      })
      .meta({ description: 'A private key: PEM (PKCS#8, SEC1 or PKCS#1, without a passphrase) or one JWK.' }),
    kid: importedKid.optional().meta({
      description: "kid of the tokens that it has signed. Omitted: the JWK's own, or its thumbprint (RFC 7638).",
    }),
  })
  .meta({
    description:
      'The first signing key, brought along from another issuer, so that tokens it has signed continue to verify. Read once, while the stack has no keys; afterwards the field and the Secret may be removed.',
  });

const encryptionSchema = z
  .object({
    secretRef: z
      .object({
        name: objectName.meta({ description: 'Name of the Secret, in the namespace of the AuthStack.' }),
        key: secretKey.default('key').meta({
          description:
            'Key whose value is the wrapping key. To change it, add the new one under another key, and name that here; remove the old one once status.signingKeys.wrappingKeyId has changed.',
        }),
      })
      .meta({
        description:
          '256 random bits: 32 bytes, or their base64 or base64url (`openssl rand -base64 32`). Every entry of the Secret that is such a key can unwrap; the auth pods mount all of them.',
      }),
  })
  .meta({
    description:
      'Wraps the private keys in the Secret <stack>-signing-keys with a key of your own, so that whoever reads that Secret alone cannot sign. Keep a copy of the key where no backup of the cluster is: without it pods that start cannot sign.',
  });

const propagationSum = ['jwksMaxAge', 'volumeRefresh', 'clockSkew']
  .map((part) => `self.propagation.${part}`)
  .join(' + ');

export const signingAlgorithms = ['ES256', 'RS256', 'EdDSA', 'ML-DSA-44'] as const;

export const signingKeysSchema = z
  .object({
    algorithm: z.enum(signingAlgorithms).default('ES256').meta({
      description:
        'Algorithm of new keys. Keys for RS256 have 3072 bits, those for EdDSA are of Ed25519. ML-DSA-44 (RFC 9964) is post-quantum and experimental: its tokens have 3.6 kB, and services need Node.js 24.7 to verify them. A change is a rotation: no token is refused.',
    }),
    rotationInterval: durationSchema
      .default('30d')
      .meta({ description: 'How long a key signs before the next one takes over.' }),
    propagation: propagationSchema.prefault({}),
    importFrom: importFromSchema.optional(),
    encryption: encryptionSchema.optional(),
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
