import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf } from '../api/names.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import { keyOf } from '../runtime/objects.ts';
import type { Millis } from '../runtime/objects.ts';
import { inspect, issue } from './certificate.ts';
import { keyPairIn, refIn } from './observe.ts';
import type { CertificatesPorts } from './observe.ts';
import { renewalOf } from './plan.ts';
import { CLIENT_LIFE } from './types.ts';

/** PEM texts with which the operator speaks to the agents of one stack. */
export interface OperatorIdentity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export const OPERATOR_COMMON_NAME = 'authstack-operator';

/** Hands out the operator's client certificate of a stack; undefined while the stack has no usable authority. */
export type OperatorIdentities = (stack: AuthStack) => Promise<OperatorIdentity | undefined>;

interface Issued {
  readonly identity: OperatorIdentity;
  readonly renewAt: Millis;
}

/** The certificates live a day and only in memory, so there is nothing to store, to leak or to clean up. */
export function createOperatorIdentities({
  cluster,
  now,
}: CertificatesPorts & { readonly now: () => Millis }): OperatorIdentities {
  const issued = new Map<string, Issued>();
  return async (stack) => {
    const ref = refIn(stack, namesOf(stack.metadata.name).ca);
    const secret = cluster.cached(secretKind, ref);
    const authority = secret && keyPairIn(secret);
    const found = authority && inspect(authority);
    if (!authority || !found || 'why' in found) {
      issued.delete(keyOf(ref));
      return undefined;
    }
    const held = issued.get(keyOf(ref));
    if (held?.identity.ca === authority.certificate && now() < held.renewAt) return held.identity;

    const startedAt = now();
    const pair = await issue(authority, {
      commonName: OPERATOR_COMMON_NAME,
      dnsNames: [],
      use: 'client',
      now: startedAt,
      life: CLIENT_LIFE,
    });
    const identity = { cert: pair.certificate, key: pair.privateKey, ca: authority.certificate };
    issued.set(keyOf(ref), {
      identity,
      renewAt: renewalOf({
        notBefore: startedAt,
        notAfter: Math.min(startedAt + CLIENT_LIFE, found.validToDate.getTime()),
      }),
    });
    return identity;
  };
}
