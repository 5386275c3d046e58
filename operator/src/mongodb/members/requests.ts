import type { AuthStack } from '../../api/auth-stack.ts';
import type { Rebuilding } from '../../stored/identity.ts';
import type { Member, MongodbObservation } from './types.ts';

/** Annotations of an AuthStack with which people ask for what the spec cannot say. */
export const annotations = {
  acceptDataLoss: 'authstack.dev/accept-data-loss',
  fence: 'authstack.dev/fence-member',
  resync: 'authstack.dev/resync-member',
  replace: 'authstack.dev/replace-member',
  update: 'authstack.dev/update-members',
} as const;

export interface RebuildRequest {
  readonly what: Rebuilding['what'];
  readonly member: Member;
  /** By an annotation, which stays; a deleted Node asks for it as well. */
  readonly isAsked: boolean;
}

const rebuilds = [
  ['volume', annotations.replace],
  ['data', annotations.resync],
] as const;

/** The member that is to be held, if one is. */
export function fencedOrdinal(stack: AuthStack): number | undefined {
  return ordinalIn(stack, annotations.fence);
}

/** In the order in which they are served, one at a time; what people ask for goes first. */
export function rebuildRequests({ stack, members }: MongodbObservation): readonly RebuildRequest[] {
  const asked = rebuilds.flatMap(([what, annotation]): readonly RebuildRequest[] => {
    const ordinal = ordinalIn(stack, annotation);
    const member = members.find((one) => one.ordinal === ordinal);
    return member ? [{ what, member, isAsked: true }] : [];
  });
  const orphans = members.filter(({ isNodeGone }) => isNodeGone);
  return [...asked, ...orphans.map((member) => ({ what: 'volume', member, isAsked: false }) as const)];
}

/** How the identity remembers what was asked for and done, `volume 2`. */
export function rebuiltText(what: Rebuilding['what'], ordinal: number | string): string {
  return `${what} ${ordinal}`;
}

/** What annotations ask for as they stand, also of members that the stack does not have any more. */
export function askedTexts({ metadata }: AuthStack): readonly string[] {
  return rebuilds.flatMap(([what, annotation]) => {
    const value = metadata.annotations?.[annotation];
    return value === undefined ? [] : [rebuiltText(what, value)];
  });
}

/** What an annotation says that no member can be meant by; what was done already was meant by one. */
export function requestError({ stack }: MongodbObservation, rebuilt: readonly string[]): string | undefined {
  const { members } = stack.spec.mongodb;
  const [error] = ([['fence', annotations.fence], ...rebuilds] as const).flatMap(([what, name]) => {
    const value = stack.metadata.annotations?.[name];
    const isWell = value === undefined || ordinalIn(stack, name) !== undefined;
    return isWell || (what !== 'fence' && rebuilt.includes(rebuiltText(what, value))) ? [] : [{ name, value }];
  });
  if (!error) return undefined;
  const { name, value } = error;
  return `annotation ${name} is "${value}", which is no member; it takes a number from 0 to ${members - 1}`;
}

function ordinalIn(stack: AuthStack, annotation: string): number | undefined {
  const value = stack.metadata.annotations?.[annotation];
  if (value === undefined || !/^\d$/.test(value)) return undefined;
  const ordinal = Number(value);
  return ordinal < stack.spec.mongodb.members ? ordinal : undefined;
}
