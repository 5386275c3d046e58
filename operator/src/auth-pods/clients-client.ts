import { authContract, clientsReport } from '@authstack/auth-service/api';
import type { ClientsDocument } from '@authstack/auth-service/api';
import type { PodClient } from '../runtime/pod-client.ts';
import { ask } from './ask.ts';
import type { AuthPodAddress, Call } from './ask.ts';

/** Version of the clients that an auth pod lets in; `unknown` for a pod that does not answer in time, whatever the reason. */
export type ClientsVersion = number | 'unknown';

export interface AuthPodClients {
  version(pod: AuthPodAddress, call: Call): Promise<ClientsVersion>;
  /** Which it has once that is in effect. */
  reload(pod: AuthPodAddress, wanted: ClientsDocument, call: Call): Promise<ClientsVersion>;
}

export function createAuthPodClients(pods: PodClient): AuthPodClients {
  const answers = clientsReport;
  const versionIn = (report: { readonly version: number } | 'unknown'): ClientsVersion =>
    report === 'unknown' ? report : report.version;
  return {
    version: async (pod, call) =>
      versionIn(await ask(pod, { path: authContract.clientsPath, answers }, { pods, ...call })),
    reload: async (pod, body, call) =>
      versionIn(await ask(pod, { path: authContract.reloadClientsPath, body, answers }, { pods, ...call })),
  };
}
