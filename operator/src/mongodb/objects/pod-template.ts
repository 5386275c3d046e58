import { annotations } from '../members/requests.ts';
import type { MongodbObservation } from '../members/types.ts';
import { podTemplate, templateIdOf } from './stateful-set.ts';
import type { PodTemplate } from './stateful-set.ts';

export interface MembersTemplate {
  readonly template: PodTemplate;
  /** Id of the template that would be used if somebody asked for it. */
  readonly pending?: string;
}

/**
 * The template of the members' pods. With `updates.policy: OnRequest` the one that stands stays, whatever an operator of
 * another version or a changed spec would make of it, until the annotation names the very template that waits.
 */
export function membersTemplate(seen: MongodbObservation, version: string): MembersTemplate {
  const { stack, images, statefulSet } = seen;
  const template = podTemplate(stack, { images, version });
  const id = templateIdOf(template);
  const current = statefulSet?.spec?.template;
  const isAsked = stack.spec.updates.policy === 'Automatic' || stack.metadata.annotations?.[annotations.update] === id;
  if (id === undefined || current === undefined || templateIdOf(current) === id || isAsked) return { template };
  return { template: current, pending: id };
}
