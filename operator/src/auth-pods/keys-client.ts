import { authContract, keysReport, verifiersReport } from '@authstack/auth-service/api';
import type { KeysReload, KeysReport } from '@authstack/auth-service/api';
import type { PodClient } from '../runtime/pod-client.ts';
import { ask } from './ask.ts';
import type { AuthPodAddress, Call } from './ask.ts';
import { toldTo } from './verifiers.ts';
import type { Verifier } from './verifiers.ts';

/** The keys in the memory of auth pods; `unknown` for a pod that does not answer in time, whatever the reason. */
export interface AuthPodKeys {
  keys(pod: AuthPodAddress, call: Call): Promise<KeysReport | 'unknown'>;
  /** What it has once that is in effect. */
  reload(pod: AuthPodAddress, wanted: KeysReload, call: Call): Promise<KeysReport | 'unknown'>;
  /** The services that have told it which keys they have, or that they end; none for a pod of a version before there were any. */
  verifiers(pod: AuthPodAddress, call: Call): Promise<readonly Verifier[] | 'unknown'>;
}

export function createAuthPodKeys(pods: PodClient): AuthPodKeys {
  return {
    keys: (pod, call) => ask(pod, { path: authContract.keysPath, answers: keysReport }, { pods, ...call }),
    reload: (pod, body, call) =>
      ask(pod, { path: authContract.reloadKeysPath, body, answers: keysReport }, { pods, ...call }),
    verifiers: async (pod, call) => {
      const none = { pod: pod.name, verifiers: [], left: [] };
      const question = { path: authContract.verifiersPath, answers: verifiersReport, whereThereIsNone: none };
      const report = await ask(pod, question, { pods, ...call });
      return report === 'unknown' ? report : toldTo(report);
    },
  };
}
