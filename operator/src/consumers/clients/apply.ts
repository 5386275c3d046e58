import { randomBytes } from 'node:crypto';
import type { AuthPodClients } from '../../auth-pods/clients-client.ts';
import { isApiError } from '../../runtime/client.ts';
import { performKubernetes } from '../../runtime/cluster.ts';
import type { Cluster, Performed } from '../../runtime/cluster.ts';
import type { Pass } from '../../runtime/reconciler.ts';
import { clientKey } from '../../stored/client-key.ts';
import { createStored } from '../../stored/secret.ts';
import type { ClientsAction } from './types.ts';

export interface ClientsEffects {
  readonly cluster: Cluster;
  readonly authPodClients: AuthPodClients;
}

export async function performClients(
  action: ClientsAction,
  { cluster, authPodClients }: ClientsEffects,
  pass: Pass,
): Promise<Performed> {
  if (action.type === 'createClientKey') {
    const key = randomBytes(32).toString('base64');
    return performKubernetes(createStored(clientKey, { metadata: action.stack }, { key }), cluster, pass);
  }
  if (action.type === 'reloadClients') {
    const { stack, pods, wanted } = action;
    // One that does not answer is seen so in the next pass.
    await Promise.all(pods.map((pod) => authPodClients.reload({ stack, ...pod }, wanted, pass)));
    return 'done';
  }
  try {
    return await performKubernetes(action, cluster, pass);
  } catch (error) {
    // Somebody wrote it after it was read; the next pass plans afresh.
    if (action.type === 'replace' && isApiError(error, 409)) return 'overtaken';
    throw error;
  }
}
