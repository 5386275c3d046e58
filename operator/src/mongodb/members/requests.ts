import type { AuthStack } from '../../api/auth-stack.ts';
import type { Rebuilt } from '../../stored/identity.ts';
import type { Member, MongodbObservation } from './observation.ts';

/** Annotations of an AuthStack with which people ask for what the spec cannot say. */
export const annotations = {
  acceptDataLoss: 'authstack.dev/accept-data-loss',
  fence: 'authstack.dev/fence-member',
  resync: 'authstack.dev/resync-member',
  replace: 'authstack.dev/replace-member',
  update: 'authstack.dev/update-members',
} as const;

export interface RebuildRequest {
  readonly what: Rebuilt['what'];
  readonly member: Member;
  /** By an annotation, which stays; the deletion of a Node asks for it as well. */
  readonly isAnnotated: boolean;
}

const rebuilds = [
  ['volume', annotations.replace],
  ['data', annotations.resync],
] as const;

/** The member that is to be fenced, if one is. */
export function fencedOrdinal(stack: AuthStack): number | undefined {
  return ordinalIn(stack, annotations.fence);
}

/** In the order in which they are served, one at a time; annotations go first. */
export function rebuildRequests({ stack, members }: MongodbObservation): readonly RebuildRequest[] {
  const annotated = rebuilds.flatMap(([what, annotation]): readonly RebuildRequest[] => {
    const ordinal = ordinalIn(stack, annotation);
    const member = members.find((one) => one.ordinal === ordinal);
    return member ? [{ what, member, isAnnotated: true }] : [];
  });
  const orphans = members.filter(({ isNodeGone }) => isNodeGone);
  return [...annotated, ...orphans.map((member) => ({ what: 'volume', member, isAnnotated: false }) as const)];
}

/** Whether an annotation still asks for that, also of a member that the stack does not have any more. */
export function isStillAsked({ metadata }: AuthStack, { what, ordinal }: Rebuilt): boolean {
  return rebuilds.some(([kind, annotation]) => kind === what && metadata.annotations?.[annotation] === String(ordinal));
}

export function sameRequest(one: Rebuilt, other: Rebuilt): boolean {
  return one.what === other.what && one.ordinal === other.ordinal;
}

/** An annotation that names no member; one that was granted already did name one. */
export function requestError({ stack }: MongodbObservation, rebuilt: readonly Rebuilt[]): string | undefined {
  const { members } = stack.spec.mongodb;
  const [error] = ([['fence', annotations.fence], ...rebuilds] as const).flatMap(([what, name]) => {
    const value = stack.metadata.annotations?.[name];
    const isValid = value === undefined || ordinalIn(stack, name) !== undefined;
    const wasGranted = rebuilt.some((one) => one.what === what && String(one.ordinal) === value);
    return isValid || wasGranted ? [] : [{ name, value }];
  });
  if (!error) return undefined;
  const { name, value } = error;
  return `Annotation ${name} is "${value}", which names no member: set it to a number from 0 to ${members - 1}`;
}

function ordinalIn(stack: AuthStack, annotation: string): number | undefined {
  const value = stack.metadata.annotations?.[annotation];
  if (value === undefined || !/^\d$/.test(value)) return undefined;
  const ordinal = Number(value);
  return ordinal < stack.spec.mongodb.members ? ordinal : undefined;
}
