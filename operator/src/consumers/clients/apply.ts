import { randomBytes } from 'node:crypto';
import { isApiError } from '../../runtime/client.ts';
import { performKubernetes } from '../../runtime/cluster.ts';
import type { Cluster, Performed } from '../../runtime/cluster.ts';
import type { Pass } from '../../runtime/reconciler.ts';
import { clientKey } from '../../stored/client-key.ts';
import { createStored } from '../../stored/secret.ts';
import type { ClientsAction } from './types.ts';

export interface ClientsEffects {
  readonly cluster: Cluster;
}

export async function performClients(
  action: ClientsAction,
  { cluster }: ClientsEffects,
  pass: Pass,
): Promise<Performed> {
  if (action.type === 'createClientKey') {
    const key = randomBytes(32).toString('base64');
    return performKubernetes(createStored(clientKey, { metadata: action.stack }, { key }), cluster, pass);
  }
  try {
    return await performKubernetes(action, cluster, pass);
  } catch (error) {
    // Somebody wrote it after it was read; the next pass plans afresh.
    if (action.type === 'replace' && isApiError(error, 409)) return 'overtaken';
    throw error;
  }
}
