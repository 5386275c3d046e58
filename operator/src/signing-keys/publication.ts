import type { AuthStack } from '../api/auth-stack.ts';
import { labelsOf, namesOf, namespaceOf } from '../api/names.ts';
import type { KubernetesAction } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Key, Lifetimes } from './types.ts';

export interface Publication {
  readonly stack: AuthStack;
  readonly keys: readonly Key[];
  readonly lifetimes: Lifetimes;
}

/** Secret `<stack>-jwks` as the ring has it: derived anew in each pass, so no crash leaves the two apart for long. */
export function publishedKeys(publication: Publication): readonly KubernetesAction[] {
  return [{ type: 'apply', kind: secretKind, object: jwksSecret(publication) }];
}

function jwksSecret({ stack, keys, lifetimes }: Publication): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: namesOf(stack.metadata.name).jwks,
      namespace: namespaceOf(stack),
      labels: labelsOf(stack, 'signing-keys'),
    },
    type: 'Opaque',
    data: {
      'jwks.json': btoa(JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) })),
      // For the day the ring is lost: how long tokens live that are still around.
      'lifetimes.json': btoa(JSON.stringify(lifetimes)),
    },
  };
}
