import { authContract, podStatus } from '@authstack/auth-service/api';
import type { PodStatus } from '@authstack/auth-service/api';
import { request } from 'undici';
import type { Millis } from '../runtime/objects.ts';

export interface AuthPodClient {
  /** What a pod of the auth service reports; `unknown` when it does not answer in time, whatever the reason. */
  status(ip: string, call: { readonly signal: AbortSignal }): Promise<PodStatus | 'unknown'>;
}

const ANSWERS_WITHIN: Millis = 2_000;

/** Over plain HTTP, as kubelet and Prometheus ask: nothing in the answer is a secret. */
export const authPodClient: AuthPodClient = {
  async status(ip, { signal }) {
    const host = ip.includes(':') ? `[${ip}]` : ip;
    try {
      const answer = await request(`http://${host}:${authContract.probePort}${authContract.statusPath}`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN)]),
      });
      const status = podStatus.safeParse(JSON.parse(await answer.body.text()));
      return status.success ? status.data : 'unknown';
    } catch {
      return 'unknown';
    }
  },
};
