import { authContract, keysReport, verifiersReport } from '@authstack/auth-service/api';
import type { KeysReload, KeysReport, VerifiersReport } from '@authstack/auth-service/api';
import type { z } from 'zod';
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
  /** The services that have told it which keys they have; none for a pod of a version before there were any. */
  verifiers(pod: AuthPodAddress, call: Call): Promise<VerifiersReport['verifiers'] | 'unknown'>;
}

const ANSWERS_WITHIN: Millis = 2_000;

export function createAuthPodKeys(pods: PodClient): AuthPodKeys {
  return {
    keys: (pod, call) => ask(pod, { path: authContract.keysPath, answers: keysReport }, { pods, ...call }),
    reload: (pod, body, call) =>
      ask(pod, { path: authContract.reloadKeysPath, body, answers: keysReport }, { pods, ...call }),
    verifiers: async (pod, call) => {
      const none = { pod: pod.name, verifiers: [] };
      const question = { path: authContract.verifiersPath, answers: verifiersReport, whereThereIsNone: none };
      const report = await ask(pod, question, { pods, ...call });
      return report === 'unknown' ? report : report.verifiers;
    },
  };
}

export interface Question<Report> {
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly answers: z.ZodType<Report>;
  /** What a pod stands for whose version does not know that path; absent: it is `unknown`. */
  readonly whereThereIsNone?: Report;
}

/** A pod's report on itself, over mutual TLS. */
export async function ask<Report extends { readonly pod: string }>(
  { stack, name, ip }: AuthPodAddress,
  { answers, whereThereIsNone, ...question }: Question<Report>,
  { pods, signal }: Call & { readonly pods: PodClient },
): Promise<Report | 'unknown'> {
  const pod = { ...stack, name, ip, port: authContract.operatorPort, servername: authHostOf(stack) };
  try {
    const answer = await pods.ask({ ...pod, owner: stack }, { ...question, within: ANSWERS_WITHIN }, signal);
    if (answer.status === 404) return whereThereIsNone ?? 'unknown';
    const report = answers.safeParse(answer.body);
    // An address that another pod has by now must not report for this one.
    return answer.status === 200 && report.data?.pod === name ? report.data : 'unknown';
  } catch (error) {
    if (error instanceof PodUnreachable) return 'unknown';
    throw error;
  }
}
