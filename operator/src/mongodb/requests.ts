import type { AuthStack } from '../api/auth-stack.ts';
import type { Member, MongodbObservation, Rebuilding } from './types.ts';

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

/** The member that is to be held, if one is. */
export function fencedOrdinal(stack: AuthStack): number | undefined {
  return ordinalIn(stack, annotations.fence);
}

/** At most one member at a time begins anew; what people ask for goes first. */
export function rebuildRequest({ stack, members }: MongodbObservation): RebuildRequest | undefined {
  for (const [what, annotation] of [
    ['volume', annotations.replace],
    ['data', annotations.resync],
  ] as const) {
    const ordinal = ordinalIn(stack, annotation);
    const member = members.find((one) => one.ordinal === ordinal);
    if (member) return { what, member, isAsked: true };
  }
  const orphan = members.find(({ isNodeGone }) => isNodeGone);
  return orphan && { what: 'volume', member: orphan, isAsked: false };
}

/** What an annotation says that no member can be meant by. */
export function requestMisfit({ stack }: MongodbObservation): string | undefined {
  const { members } = stack.spec.mongodb;
  for (const name of [annotations.fence, annotations.resync, annotations.replace]) {
    const value = stack.metadata.annotations?.[name];
    if (value === undefined || ordinalIn(stack, name) !== undefined) continue;
    return `annotation ${name} is "${value}", which is no member; it takes a number from 0 to ${members - 1}`;
  }
  return undefined;
}

function ordinalIn(stack: AuthStack, annotation: string): number | undefined {
  const value = stack.metadata.annotations?.[annotation];
  if (value === undefined || !/^\d$/.test(value)) return undefined;
  const ordinal = Number(value);
  return ordinal < stack.spec.mongodb.members ? ordinal : undefined;
}
