import { authStackKind } from '../../operator/src/api/auth-stack.ts';
import type { AuthStack } from '../../operator/src/api/auth-stack.ts';
import { namesOf } from '../../operator/src/api/names.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import { systemClock, wait } from '../../operator/src/runtime/clock.ts';
import { ingressKind, secretKind } from '../../operator/src/runtime/core-kinds.ts';
import type { KubernetesObject } from '../../operator/src/runtime/objects.ts';
import type { OperatorProcess, Usage } from './operator-process.ts';
import { consumerRef, createConsumers, createStacks, forEach, patchStack, stackRef } from './seed.ts';
import type { Ref, Span } from './seed.ts';
import type { Spectator } from './spectator.ts';

export interface Setting {
  readonly client: ApiClient;
  readonly spectator: Spectator;
  readonly operator: OperatorProcess;
}

const QUIET = 5_000;

/** Nothing has changed for a while: whatever could be done is done. */
export async function untilQuiet({ spectator }: Pick<Setting, 'spectator'>): Promise<void> {
  for (;;) {
    const since = performance.now() - spectator.lastChangeAt;
    if (since >= QUIET) return;
    await wait(systemClock, QUIET - since);
  }
}

/** From the first AuthStack created until the last has every object that `expected` names, and a status. */
export async function timeToConverge(
  { client, spectator }: Setting,
  { from, to }: Span,
  expected: readonly string[],
): Promise<number> {
  const begun = performance.now();
  const pending = Array.from({ length: to - from }, (_, index) => stackRef(from + index));
  const isDone = (ref: Ref | undefined): boolean =>
    ref !== undefined &&
    spectator.madeFor(ref).length === expected.length &&
    (spectator.get(authStackKind, ref)?.status?.conditions ?? []).length > 0;
  await createStacks(client, { from, to });
  const ended = await spectator.until(`the convergence of ${to - from} stacks`, () => {
    while (isDone(pending.at(-1))) pending.pop();
    return pending.length === 0;
  });
  return ended - begun;
}

/** Prime, so that changes of one stack are far apart and every stack has its turn. */
const STRIDE = 7;

/** From the answer to a change of an AuthStack until its Ingress has it, for each change. */
export async function changeToApplied(
  { client, spectator }: Setting,
  { stacks, changes }: { readonly stacks: number; readonly changes: number },
): Promise<readonly number[]> {
  const took: number[] = [];
  await forEach({ from: 0, to: changes, atOnce: 4 }, async (index) => {
    const stack = stackRef((index * STRIDE) % stacks);
    const ingress = { namespace: stack.namespace, name: namesOf(stack.name).auth };
    const className = `class-${stacks}-${index}`;
    const isApplied = (): boolean => {
      const found = spectator.get(ingressKind, ingress) as { readonly spec?: Record<string, unknown> } | undefined;
      return found?.spec?.['ingressClassName'] === className;
    };
    await patchStack(client, stack, { auth: { ingress: { className } } });
    const begun = performance.now();
    took.push((await spectator.until(`the change of ${stack.name}`, isApplied)) - begun);
  });
  return took;
}

export interface Idle {
  readonly requestsPerSecond: number;
  readonly writesPerSecond: number;
  /** Stacks whose deadline for the database passed meanwhile, each a write of its status. */
  readonly stalled: number;
  readonly passesPerSecond: number;
  /** Of one core. */
  readonly cpuPercent: number;
  readonly residentMiB: number;
  readonly peakMiB: number;
}

export async function idle({ operator, spectator }: Setting, seconds: number): Promise<Idle> {
  await untilQuiet({ spectator });
  const before = await operator.usage();
  const begun = performance.now();
  const beganAt = systemClock.now();
  await wait(systemClock, seconds * 1000);
  const after = await operator.usage();
  const span = (performance.now() - begun) / 1000;
  const rate = (of: (usage: Usage) => number): number => (of(after) - of(before)) / span;
  return {
    requestsPerSecond: rate(({ requests }) => sum(Object.values(requests))),
    writesPerSecond: rate(({ requests: { GET: _reads, ...writes } }) => sum(Object.values(writes))),
    stalled: spectator.list(authStackKind).filter((stack) => stalledSince(stack) >= beganAt - 1_000).length,
    passesPerSecond: rate(({ passes }) => passes),
    cpuPercent: rate(({ cpuSeconds }) => cpuSeconds) * 100,
    residentMiB: after.residentMiB,
    peakMiB: after.peakMiB,
  };
}

/** Conditions have times in whole seconds. */
function stalledSince({ status }: AuthStack): number {
  const stalled = status?.conditions?.find((condition) => condition.type === 'Stalled' && condition.status === 'True');
  return Date.parse(stalled?.lastTransitionTime ?? '');
}

export interface Distribution {
  /** From the first AuthConsumer created until the last has its copy. */
  readonly copied: number;
  /** From the change of the AuthStack that asks for a new key until every copy has it. */
  readonly keyVisible: number;
  /** The part of it that the copies took. */
  readonly keyCopied: number;
}

const copyOf = (index: number): Ref => ({ namespace: consumerRef(index).namespace, name: 'keys' });

/** The consumers are those of the first stack. */
export async function distribution(
  { client, spectator }: Setting,
  { from, to }: Span,
  algorithm: 'ES256' | 'RS256',
): Promise<Distribution> {
  const published = { namespace: stackRef(0).namespace, name: namesOf(stackRef(0).name).jwks };
  const keysIn = (ref: Ref): string => dataOf(spectator.get(secretKind, ref), 'jwks.json');
  const everyCopyIs = (what: string, keys: () => string): Promise<number> =>
    spectator.until(what, () => {
      const wanted = keys();
      // From the end, where the last ones are.
      for (let index = to - 1; index >= 0; index--) if (keysIn(copyOf(index)) !== wanted) return false;
      return true;
    });

  const begun = performance.now();
  await createConsumers(client, { from, to });
  const copied = (await everyCopyIs(`the copies for ${to} consumers`, () => keysIn(published))) - begun;
  await untilQuiet({ spectator });

  const former = keysIn(published);
  const asked = performance.now();
  await patchStack(client, stackRef(0), { signingKeys: { algorithm } });
  const publishedAt = await spectator.until('the publication of a new key', () => keysIn(published) !== former);
  const visibleAt = await everyCopyIs(`the new key in ${to} copies`, () => keysIn(published));
  return { copied, keyVisible: visibleAt - asked, keyCopied: visibleAt - publishedAt };
}

function dataOf(object: KubernetesObject | undefined, key: string): string {
  return (object as { readonly data?: Readonly<Record<string, string>> } | undefined)?.data?.[key] ?? '';
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
