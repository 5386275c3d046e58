import { authContract, keysReport } from '@authstack/auth-service/api';
import type { KeysReload, KeysReport } from '@authstack/auth-service/api';
import { authHostOf } from '../api/names.ts';
import type { Millis, ObjectRef } from '../runtime/objects.ts';
import { PodUnreachable } from '../runtime/pod-client.ts';
import type { PodClient } from '../runtime/pod-client.ts';

/** Where a pod of the auth service answers. */
export interface AuthPodAddress {
  readonly stack: ObjectRef;
  readonly name: string;
  readonly ip: string;
}

interface Call {
  readonly signal: AbortSignal;
}

/** The keys in the memory of auth pods; `unknown` for a pod that does not answer in time, whatever the reason. */
export interface AuthPodKeys {
  keys(pod: AuthPodAddress, call: Call): Promise<KeysReport | 'unknown'>;
  /** What it has once that is in effect. */
  reload(pod: AuthPodAddress, wanted: KeysReload, call: Call): Promise<KeysReport | 'unknown'>;
}

const ANSWERS_WITHIN: Millis = 2_000;

export function createAuthPodKeys(pods: PodClient): AuthPodKeys {
  async function ask(
    { stack, name, ip }: AuthPodAddress,
    question: { readonly path: string; readonly body?: KeysReload },
    { signal }: Call,
  ): Promise<KeysReport | 'unknown'> {
    const pod = { ...stack, name, ip, port: authContract.operatorPort, servername: authHostOf(stack) };
    try {
      const answer = await pods.ask({ ...pod, owner: stack }, { ...question, within: ANSWERS_WITHIN }, signal);
      const report = keysReport.safeParse(answer.body);
      // An address that another pod has by now must not report for this one.
      return answer.status === 200 && report.data?.pod === name ? report.data : 'unknown';
    } catch (error) {
      if (error instanceof PodUnreachable) return 'unknown';
      throw error;
    }
  }

  return {
    keys: (pod, call) => ask(pod, { path: authContract.keysPath }, call),
    reload: (pod, body, call) => ask(pod, { path: authContract.reloadKeysPath, body }, call),
  };
}
