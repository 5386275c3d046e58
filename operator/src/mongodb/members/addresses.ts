import { replicaSetName } from '@authstack/mongodb-agent/gate-script';
import type { AuthStack } from '../../api/auth-stack.ts';
import { namesOf, namespaceOf } from '../../api/names.ts';

/** What names need of a stack. */
type Named = Pick<AuthStack, 'metadata'>;

export const MONGOD_PORT = 27_017;

/** A replica set has no more (mongodb.com/docs, "Replica Set Members"). */
const MAX_MEMBERS = 50;

export function memberName(stack: Named, ordinal: number): string {
  return `${namesOf(stack.metadata.name).mongodb}-${ordinal}`;
}

export function memberHost(stack: Named, ordinal: number): string {
  const service = namesOf(stack.metadata.name).mongodb;
  return `${memberName(stack, ordinal)}.${service}.${namespaceOf(stack)}.svc:${MONGOD_PORT}`;
}

/** `shop-mongodb-0` of `shop-mongodb-0.shop-mongodb.auth.svc:27017`; of any other host, the whole. */
export function nameOfHost(stack: Named, host: string): string {
  const ordinal = ordinalOfHost(stack, host);
  return ordinal === undefined ? host : memberName(stack, ordinal);
}

/** 2 of `shop-mongodb-2.shop-mongodb.auth.svc:27017`; undefined of a host that is not exactly one of this stack's. */
export function ordinalOfHost(stack: Named, host: string): number | undefined {
  const ordinal = Number(/-(\d{1,2})\./.exec(host)?.[1]);
  return ordinal < MAX_MEMBERS && memberHost(stack, ordinal) === host ? ordinal : undefined;
}

export function claimName(stack: Named, ordinal: number): string {
  return `data-${memberName(stack, ordinal)}`;
}

/** The ordinals of the members that the spec asks for. */
export function ordinalsOf({ spec }: AuthStack): readonly number[] {
  return Array.from({ length: spec.mongodb.members }, (_, ordinal) => ordinal);
}

export function hostsOf(stack: AuthStack): readonly string[] {
  return ordinalsOf(stack).map((ordinal) => memberHost(stack, ordinal));
}

/** What clients of ours connect with (mongodb.com/docs, "Connection String Options"). */
export function connectionUri(
  hosts: readonly string[],
  { username, password }: { username: string; password: string },
): string {
  const options = `replicaSet=${replicaSetName}&authSource=admin&w=majority&retryWrites=true`;
  return `mongodb://${username}:${password}@${hosts.join(',')}/auth?${options}`;
}
