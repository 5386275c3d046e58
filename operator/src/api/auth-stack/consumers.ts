import { z } from 'zod';
import { rules } from '../rules.ts';

const labelValue = z.string().max(63);
const labelSelector = z
  .object({
    matchLabels: z
      .record(z.string().max(317), labelValue)
      .optional()
      .meta({ description: 'Labels that a namespace must have.' }),
    matchExpressions: z
      .array(
        z
          .object({
            key: z.string().min(1).max(317).meta({ description: 'Key of the label.' }),
            operator: z
              .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
              .meta({ description: 'How the label is compared with `values`.' }),
            values: z.array(labelValue).max(32).optional().meta({ description: 'Only for In and NotIn.' }),
          })
          .meta({
            ...rules({
              rule: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
              message: 'In and NotIn need values, Exists and DoesNotExist take none',
            }),
          }),
      )
      .max(16)
      .optional()
      .meta({ description: 'Requirements that all must be met.' }),
  })
  .meta({ description: 'Labels of the namespaces, as a meta/v1 LabelSelector.' });

export const consumersSchema = z
  .object({
    allowedNamespaces: z
      .object({
        from: z.enum(['Same', 'All', 'Selector']).default('Same').meta({
          description:
            'Same: the namespace of the AuthStack. All: every namespace. Selector: namespaces with the labels of `selector`.',
        }),
        selector: labelSelector.optional(),
      })
      .prefault({})
      .meta({
        description: 'Namespaces whose AuthConsumers get the public keys.',
        ...rules({
          rule: "(self.from == 'Selector') == has(self.selector)",
          message: 'consumers.allowedNamespaces.selector goes with from: Selector, and only with it',
        }),
      }),
  })
  .meta({ description: 'Who may verify tokens. An AuthConsumer asks for it; this allows it.' });
