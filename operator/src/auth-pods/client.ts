import { authContract, podStatus } from '@authstack/auth-service/api';
import type { PodStatus } from '@authstack/auth-service/api';
import { Agent, request } from 'undici';
import type { Millis } from '../runtime/objects.ts';
import { CONNECTS_WITHIN, hostOf } from '../runtime/pod-connection.ts';

export interface AuthPodClient {
  /** What a pod of the auth service reports; `unknown` when it does not answer in time, whatever the reason. */
  status(ip: string, call: { readonly signal: AbortSignal }): Promise<PodStatus | 'unknown'>;
}

const ANSWERS_WITHIN: Millis = 2_000;
const dispatcher = new Agent({ connect: { timeout: CONNECTS_WITHIN } });

/** Over plain HTTP, as kubelet and Prometheus ask: nothing in the answer is a secret. */
export const authPodClient: AuthPodClient = {
  async status(ip, { signal }) {
    try {
      const answer = await request(`http://${hostOf(ip)}:${authContract.probePort}${authContract.statusPath}`, {
        dispatcher,
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN)]),
      });
      const status = podStatus.safeParse(JSON.parse(await answer.body.text()));
      return status.success ? status.data : 'unknown';
    } catch {
      return 'unknown';
    }
  },
};
