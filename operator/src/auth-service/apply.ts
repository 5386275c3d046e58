import { randomBytes } from 'node:crypto';
import type { AuthSecrets } from '@authstack/auth-service/api';
import { performKubernetes } from '../runtime/cluster.ts';
import type { Performed } from '../runtime/cluster.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { authSecrets } from '../stored/auth-secrets.ts';
import { createStored } from '../stored/secret.ts';
import type { AuthServicePorts } from './observe.ts';
import type { AuthServiceAction } from './types.ts';

export async function performAuthService(
  action: AuthServiceAction,
  { cluster }: Pick<AuthServicePorts, 'cluster'>,
  pass: Pick<Pass, 'signal'>,
): Promise<Performed> {
  if (action.type !== 'createAuthSecrets') return performKubernetes(action, cluster, pass);
  return performKubernetes(createStored(authSecrets, { metadata: action.stack }, newAuthSecrets()), cluster, pass);
}

/** Each kind of key has an id and a current id, so that one can be added and the old ones still be read. */
function newAuthSecrets(): AuthSecrets {
  const keySet = (id: string): AuthSecrets['pepper'] => ({
    current: id,
    keys: { [id]: randomBytes(32).toString('base64') },
  });
  return { pepper: keySet('p1'), refresh: keySet('r1'), totp: keySet('t1') };
}
