import { authContract } from '@authstack/auth-service/api';
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

export interface Call {
  readonly signal: AbortSignal;
}

const ANSWERS_WITHIN: Millis = 2_000;

export interface Question<Report> {
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly answers: z.ZodType<Report>;
  /** What a pod stands for whose version does not know that path; absent: it is `unknown`. */
  readonly whereThereIsNone?: Report;
}

/** A pod's report on itself, over mutual TLS; `unknown` where it does not answer in time, whatever the reason. */
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
