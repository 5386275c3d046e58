import { z } from 'zod';
import { imageReference, objectName, resourcesSchema, secretKey } from '../fields.ts';
import { storageSize } from '../quantity.ts';
import { rules } from '../rules.ts';

/** Major versions in their order; an upgrade goes from one to the next. */
export const mongodbVersions = ['4.4', '5.0', '6.0', '7.0', '8.0'] as const;

export const mongodbSchema = z
  .object({
    version: z
      .enum(mongodbVersions)
      .optional()
      .meta({
        description:
          "MongoDB's version. Omitted: the chart's default at the time the replica set was initiated. It can be raised by one major version at a time, and lowered again until the feature compatibility version is raised. MongoDB no longer supports 4.4, 5.0 and 6.0: use them for tests only.",
        ...rules({
          rule: 'double(self) <= double(oldSelf) + 1.0',
          message: 'mongodb.version must be raised one major version at a time',
        }),
      }),
    image: imageReference
      .optional()
      .meta({ description: "Image of mongod, of the same version. Omitted: the chart's image for the version." }),
    members: z.literal([1, 3, 5, 7]).default(3).meta({
      description:
        'Members of the replica set. They are added and removed one at a time, the one with the highest number first to go.',
    }),
    storage: z
      .object({
        size: storageSize.default('10Gi').meta({
          description:
            'Size of each volume. It can be raised where the StorageClass allows volume expansion, never lowered.',
        }),
        className: objectName
          .optional()
          .meta({ description: "StorageClass of the volumes. Omitted: the cluster's default. Immutable." }),
        autoGrow: z
          .object({
            atPercent: z
              .int()
              .min(50)
              .max(95)
              .default(80)
              .meta({ description: 'All volumes grow when one of them is this full.' }),
            maxSize: storageSize.meta({
              description: 'Automatic growth stops here; a size that is not whole is rounded down.',
            }),
          })
          .optional()
          .meta({ description: 'Grows all volumes by half when one of them is nearly full.' }),
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
      description: 'true: stops all members and keeps the volumes; nobody can sign in. false starts them again.',
    }),
    assistedElections: z.boolean().default(true).meta({
      description:
        'true: once the mongod of the primary is known to have ended, the operator has the most recent secondary stand for election at once. false: the members wait for their own election timeout of 4 s.',
    }),
    resources: resourcesSchema.optional(),
    external: z
      .object({
        uriSecretRef: z
          .object({
            name: objectName.meta({ description: 'Name of the Secret, in the namespace of the AuthStack.' }),
            key: secretKey.default('uri').meta({ description: 'Key whose value is the connection string.' }),
          })
          .meta({ description: 'The connection string (mongodb:// or mongodb+srv://) with the name of the database.' }),
      })
      .optional()
      .meta({
        description:
          'A replica set of your own. The operator then runs no members and keeps no data; the other fields of mongodb have no effect.',
      }),
  })
  .meta({
    description: 'The database: a replica set on persistent volumes, also with one member.',
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
