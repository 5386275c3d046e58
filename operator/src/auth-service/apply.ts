import { randomBytes } from 'node:crypto';
import type { AuthStack } from '../api/auth-stack.ts';
import { labelsOf, namesOf } from '../api/names.ts';
import { performKubernetes } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Pass } from '../runtime/reconciler.ts';
import type { AuthServicePorts } from './observe.ts';
import type { AuthServiceAction } from './types.ts';

export async function performAuthService(
  action: AuthServiceAction,
  { cluster }: Pick<AuthServicePorts, 'cluster'>,
  { signal }: Pick<Pass, 'signal'>,
): Promise<void> {
  if (action.type === 'createAuthSecrets') {
    await cluster.create(secretKind, authSecrets(action.stack), { signal });
    return;
  }
  await performKubernetes(action, cluster, { signal });
}

/** Each kind of key has an id and a current id, so that one can be added and the old ones still be read. */
function authSecrets(stack: AuthStack): Secret {
  const keySet = (id: string): object => ({ current: id, keys: { [id]: randomBytes(32).toString('base64') } });
  const content = JSON.stringify({ pepper: keySet('p1'), refresh: keySet('r1'), totp: keySet('t1') });
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      namespace: stack.metadata.namespace ?? '',
      name: namesOf(stack.metadata.name).authSecrets,
      labels: labelsOf(stack, 'auth'),
    },
    type: 'Opaque',
    data: { 'secrets.json': Buffer.from(content).toString('base64') },
  };
}
