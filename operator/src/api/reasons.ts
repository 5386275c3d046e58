import type { ConditionStatus } from '../runtime/objects.ts';
import { consumerReasons } from './consumer-reasons.ts';
import type { Reasons } from './reason-rows.ts';
import { stackReasons } from './stack-reasons.ts';

/*
 * Every reason a condition can have is a row of `stack-reasons.ts` or `consumer-reasons.ts`. The unions of the plans and the
 * tables of docs/reference/conditions.md come from there, so a reason that is not listed does not compile.
 */

export type StackConditionType = keyof typeof stackReasons;
export type ConsumerConditionType = keyof typeof consumerReasons;

type AllReasons = typeof stackReasons & typeof consumerReasons;
export type ConditionType = keyof AllReasons;

/** Reasons that a feature may give to its condition. */
export type ReasonOf<Type extends ConditionType> = Type extends unknown
  ? Extract<keyof AllReasons[Type], string>
  : never;

/** `Ready` and `Stalled` repeat the reason of the condition that they name. */
type Repeated = 'DatabaseReady' | 'KeysReady' | 'AuthReady';

/** A condition whose reason is in the table. */
export type PlannedCondition<Type extends ConditionType = ConditionType> = Type extends unknown
  ? {
      readonly type: Type;
      readonly status: ConditionStatus;
      readonly reason: ReasonOf<Type> | (Type extends 'Ready' | 'Stalled' ? ReasonOf<Repeated> : never);
      readonly message: string;
    }
  : never;

/** Whether what a person does about it is announced by nothing, so that the operator has to look again by itself. */
export function needsRecheck<Type extends ConditionType>(type: Type, reason: ReasonOf<Type>): boolean {
  const tables: Readonly<Record<ConditionType, Reasons>> = { ...stackReasons, ...consumerReasons };
  const row = tables[type][reason];
  return row?.do !== undefined && row.noticed === undefined;
}

/** In the order in which `kubectl describe` shows them. */
export const stackConditionTypes = [
  'Ready',
  'DatabaseReady',
  'KeysReady',
  'AuthReady',
  'ConsumersInSync',
  'Stalled',
] as const;
/** Stored only while True: states that somebody asked for. */
export const transientConditionTypes = ['Hibernated', 'Suspended'] as const;
export const consumerConditionTypes = ['Accepted', 'InSync'] as const;
