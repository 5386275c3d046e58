import type { AuthConsumer } from '../../api/auth-consumer.ts';
import { authStackSpecSchema } from '../../api/auth-stack.ts';
import type { AuthStack, AuthStackSpecInput } from '../../api/auth-stack.ts';
import type { Secret } from '../../runtime/core-kinds.ts';
import { copySecret } from '../../stored/consumer-copy.ts';
import type { PublicJwk } from '../../stored/jwks.ts';
import type { ConsumerObservation } from '../types.ts';

export function aStack(changes: Partial<AuthStackSpecInput> = {}): AuthStack {
  const spec = authStackSpecSchema.parse({
    publicURL: 'https://shop.example.com',
    auth: { audience: ['shop', 'admin'] },
    consumers: { allowedNamespaces: { from: 'Selector', selector: { matchLabels: { trusted: 'yes' } } } },
    ...changes,
  });
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name: 'main', namespace: 'auth', uid: 'stack-uid' },
    spec,
  };
}

export function aConsumer(spec: Partial<AuthConsumer['spec']> = {}): AuthConsumer {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthConsumer',
    metadata: { name: 'orders', namespace: 'shop', uid: 'consumer-uid' },
    spec: { stackRef: { namespace: 'auth', name: 'main' }, secretName: 'auth', ...spec },
  };
}

export const keys: readonly PublicJwk[] = ['k1', 'k2'].map((kid) => ({
  ...({ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', alg: 'ES256', use: 'sig' } as const),
  kid,
}));
export const authority = 'a certificate';
export const client = { secret: 'a client secret' };

/** The copy as it should be, under any name. */
export function theCopy(name = 'auth'): Secret {
  const secret = copySecret(aConsumer(), aStack(), { keys, authority, client });
  return { ...secret, metadata: { ...secret.metadata, name, uid: `uid-of-${name}`, resourceVersion: '7' } };
}

/** Everything in order, but for what a test changes. */
export function seen(changes: Partial<ConsumerObservation> = {}): ConsumerObservation {
  return {
    consumer: aConsumer(),
    now: 1_700_000_000_000,
    stack: aStack(),
    stackNamespace: 'watched',
    namespaceLabels: { trusted: 'yes' },
    copy: { state: 'ours', secret: theCopy() },
    formerCopies: [],
    keys,
    authority,
    credential: { type: 'secret', ...client },
    verifiers: [],
    ...changes,
  };
}
