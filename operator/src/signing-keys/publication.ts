import type { AuthStack } from '../api/auth-stack.ts';
import { labelsOf, namesOf, namespaceOf } from '../api/names.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Key, PublicJwk } from './types.ts';

/** Secret `<stack>-jwks` as the ring has it: derived anew in each pass, so no crash leaves the two apart for long. */
export function publishedKeys({
  stack,
  keys,
}: {
  stack: AuthStack;
  keys: readonly Key[];
}): readonly KubernetesAction[] {
  return [
    {
      type: 'apply',
      kind: secretKind,
      object: jwksSecret(
        stack,
        keys.map(({ publicJwk }) => publicJwk),
      ),
    },
  ];
}

function jwksSecret(stack: AuthStack, keys: readonly PublicJwk[]): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: namesOf(stack.metadata.name).jwks,
      namespace: namespaceOf(stack),
      labels: labelsOf(stack, 'signing-keys'),
    },
    type: 'Opaque',
    data: { 'jwks.json': btoa(JSON.stringify({ keys })) },
  };
}
