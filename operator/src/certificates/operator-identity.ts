import { authContract } from '@authstack/auth-service/api';
import { authStackKind } from '../api/auth-stack.ts';
import { namesOf } from '../api/names.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { PerObjectOf } from '../runtime/manager.ts';
import type { Millis, ObjectRef } from '../runtime/objects.ts';
import type { PodIdentity } from '../runtime/pod-client.ts';
import { certificateAuthority } from '../stored/ca.ts';
import type { KeyPair } from '../stored/ca.ts';
import { readStored } from '../stored/secret.ts';
import { inspectAuthority, issue } from './certificate.ts';
import type { CertificatesPorts } from './observe.ts';
import { renewalOf } from './plan.ts';
import { CLIENT_LIFE } from './types.ts';

/** Hands out the operator's client certificate of a stack; undefined while the stack has no usable authority. */
export type OperatorIdentities = (stack: ObjectRef) => Promise<PodIdentity | undefined>;

interface Issued {
  readonly ca: string;
  readonly renewAt: Millis;
  readonly identity: Promise<PodIdentity>;
}

export interface OperatorIdentityPorts extends CertificatesPorts {
  readonly now: () => Millis;
  readonly perObject: PerObjectOf;
}

/** The certificates live a day and only in memory, so there is nothing to store or to leak. They go with their stack. */
export function createOperatorIdentities({ cluster, now, perObject }: OperatorIdentityPorts): OperatorIdentities {
  const issued = perObject<Issued>(authStackKind);
  return async (stack) => {
    const secret = cluster.cached(secretKind, { ...stack, name: namesOf(stack.name).ca });
    const stored = readStored(certificateAuthority, { metadata: stack }, secret);
    const authority = stored.state === 'value' ? stored.value : undefined;
    const found = authority && inspectAuthority(authority);
    if (!authority || !found || 'why' in found) {
      issued.delete(stack);
      return undefined;
    }
    const held = issued.get(stack);
    if (held?.ca === authority.certificate && now() < held.renewAt) return held.identity;

    const notBefore = now();
    const notAfter = Math.min(notBefore + CLIENT_LIFE, found.validToDate.getTime());
    // Kept as a promise: the members of a stack are asked at the same time and share one connection identity.
    const identity = issueIdentity(authority, notBefore);
    identity.catch(() => {
      issued.delete(stack);
    });
    issued.set(stack, { ca: authority.certificate, renewAt: renewalOf({ notBefore, notAfter }), identity });
    return identity;
  };
}

async function issueIdentity(authority: KeyPair, now: Millis): Promise<PodIdentity> {
  const request = {
    commonName: authContract.operatorCommonName,
    dnsNames: [],
    use: 'client',
    now,
    life: CLIENT_LIFE,
  } as const;
  const { certificate, privateKey } = await issue(authority, request);
  return { cert: certificate, key: privateKey, ca: authority.certificate };
}
