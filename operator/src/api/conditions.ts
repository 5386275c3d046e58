/** Condition types of an AuthStack. Meanings never change; everything else is a reason. */
export const stackConditionTypes = [
  'Ready',
  'DatabaseReady',
  'KeysReady',
  'AuthReady',
  'ConsumersInSync',
  'Stalled',
] as const;
export type StackConditionType = (typeof stackConditionTypes)[number];

/** Condition types of an AuthConsumer. */
export const consumerConditionTypes = ['Accepted', 'InSync'] as const;
export type ConsumerConditionType = (typeof consumerConditionTypes)[number];
