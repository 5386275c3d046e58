import { authContract } from '@authstack/auth-service/api';
import { expect, test } from '@jest/globals';
import { authStackSpecSchema } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { authIngress, authNetworkPolicy, authService } from './network.ts';

type AllowedNamespaces = AuthStack['spec']['consumers']['allowedNamespaces'];

function stackOf(allowedNamespaces?: AllowedNamespaces): AuthStack {
  const spec = authStackSpecSchema.parse({
    publicURL: 'https://shop.example.com',
    auth: { audience: ['shop'], ingress: { className: 'nginx' } },
    ...(allowedNamespaces && { consumers: { allowedNamespaces } }),
  });
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name: 'shop', namespace: 'auth', uid: 'u1' },
    spec,
  };
}

interface Peers {
  readonly from?: readonly object[];
  readonly ports: readonly { readonly port: number }[];
}

/** Who may connect to that port; undefined: nobody. */
function allowedTo(port: number, stack: AuthStack): readonly object[] | 'everybody' | undefined {
  const { spec } = authNetworkPolicy(stack) as unknown as { spec: { ingress: readonly Peers[] } };
  const rule = spec.ingress.find(({ ports }) => ports.some((one) => one.port === port));
  // Of a NetworkPolicy an empty list is everybody too.
  return rule && (rule.from === undefined || rule.from.length === 0 ? 'everybody' : rule.from);
}

const matchLabels = { trusted: 'true' };

test.each<[string, AllowedNamespaces, readonly object[] | undefined]>([
  ['of the same namespace', { from: 'Same' }, [{ podSelector: {} }]],
  ['of every namespace', { from: 'All' }, [{ namespaceSelector: {} }]],
  ['of those selected', { from: 'Selector', selector: { matchLabels } }, [{ namespaceSelector: { matchLabels } }]],
  ['of none, where a selector is missing', { from: 'Selector' }, undefined],
])('the port of services is open to pods %s', (_whose, allowedNamespaces, peers) => {
  const stack = { ...stackOf(), spec: { ...stackOf().spec, consumers: { allowedNamespaces } } };
  expect(allowedTo(authContract.servicePort, stack)).toEqual(peers);
  expect(allowedTo(authContract.publicPort, stack)).toBe('everybody');
});

test('the port of services is in the Service and never behind the Ingress', () => {
  expect(authService(stackOf(), { selectsServing: true })).toMatchObject({
    spec: { ports: [{ port: authContract.publicPort }, { port: authContract.servicePort, targetPort: 'services' }] },
  });
  expect(JSON.stringify(authIngress(stackOf()))).not.toMatch(/services|8443/);
});
