import type { AuthStack } from '../api/auth-stack.ts';
import { wait } from '../runtime/clock.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Millis } from '../runtime/objects.ts';
import type { AuthPodAddress } from './ask.ts';
import type { AuthPodKeys } from './keys-client.ts';
import { PRESENT, latestOf } from './verifiers.ts';
import type { Verifier } from './verifiers.ts';

/*
 * Asks auth pods, each every ASK_EVERY, which services are connected to it and which keys these have in their memory, for the
 * AuthConsumers to tell; while a key has just been revoked, those of its stack every ASK_URGENTLY_EVERY. A promotion does not go
 * by it: it asks by itself, when it is near.
 */

/** What is known of the services that verify tokens. */
export interface Acknowledgements {
  /** Those of an AuthConsumer (`namespace/name`) that are connected. */
  verifiersOf(consumer: string): readonly Verifier[];
}

export interface AcknowledgementsPorts {
  readonly clock: Clock;
  /** The auth pods to ask. */
  readonly pods: () => readonly AuthPodAddress[];
  /** Those of them whose answers somebody waits for. */
  readonly urgentPods: () => readonly AuthPodAddress[];
  readonly ask: AuthPodKeys['verifiers'];
  /** The services of an AuthConsumer (`namespace/name`), or the keys that they have, have changed. */
  readonly onChange: (consumer: string) => void;
}

export const ASK_EVERY: Millis = 10_000;
export const ASK_URGENTLY_EVERY: Millis = 1_000;

/** Whether services of a stack are to confirm that they refuse a revoked key; those that are not connected cannot. */
export function awaitsConfirmations({ status }: AuthStack, now: Millis): boolean {
  const revoked = status?.signingKeys?.revoked ?? [];
  return revoked.some(
    ({ consumers, reachedTime, mountsUntil }) =>
      consumers !== undefined && reachedTime === undefined && now < Date.parse(mountsUntil),
  );
}

interface Heard {
  readonly verifiers: readonly Verifier[];
  readonly at: Millis;
}

export class AcknowledgementPoll implements Acknowledgements {
  private readonly ports: AcknowledgementsPorts;
  /** By pod. */
  private heard: ReadonlyMap<string, Heard> = new Map();
  /** What was told of each AuthConsumer, to be compared. */
  private told: ReadonlyMap<string, string> = new Map();

  constructor(ports: AcknowledgementsPorts) {
    this.ports = ports;
  }

  verifiersOf(consumer: string): readonly Verifier[] {
    return this.present().filter(({ client }) => client === consumer);
  }

  /** Asks until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.ports;
    let askAllAt = clock.monotonic();
    while (!signal.aborted) {
      const isTurnOfAll = clock.monotonic() >= askAllAt;
      if (isTurnOfAll) askAllAt = clock.monotonic() + ASK_EVERY;
      await (isTurnOfAll ? this.askAll(signal) : this.askUrgentOnes(signal));
      await wait(clock, ASK_URGENTLY_EVERY, signal).catch(() => undefined);
    }
  }

  private async askAll(signal: AbortSignal): Promise<void> {
    const heard = await this.askEach(this.ports.pods(), signal);
    if (signal.aborted) return;
    this.heard = heard;
    this.tellChanges();
  }

  private async askUrgentOnes(signal: AbortSignal): Promise<void> {
    const pods = this.ports.urgentPods();
    if (pods.length === 0) return;
    const heard = await this.askEach(pods, signal);
    if (signal.aborted) return;
    this.heard = new Map([...this.heard, ...heard]);
    this.tellChanges();
  }

  private async askEach(pods: readonly AuthPodAddress[], signal: AbortSignal): Promise<ReadonlyMap<string, Heard>> {
    const answers = await Promise.all(
      pods.map(async (pod): Promise<readonly (readonly [string, Heard])[]> => {
        const key = `${pod.stack.namespace ?? ''}/${pod.name}`;
        const verifiers = await this.ports.ask(pod, { signal }).catch(() => 'unknown' as const);
        // What a pod that does not answer said last counts for as long as its services count as connected.
        if (verifiers === 'unknown') return [...this.heard].filter(([known]) => known === key);
        return [[key, { verifiers, at: this.ports.clock.monotonic() }]];
      }),
    );
    return new Map(answers.flat());
  }

  private tellChanges(): void {
    const now = Map.groupBy(this.present(), ({ client }) => client);
    const facts = new Map([...now].map(([client, verifiers]) => [client, factsOf(verifiers)]));
    const changed = [...new Set([...facts.keys(), ...this.told.keys()])].filter(
      (client) => facts.get(client) !== this.told.get(client),
    );
    this.told = facts;
    for (const client of changed) this.ports.onChange(client);
  }

  private present(): readonly Verifier[] {
    const now = this.ports.clock.monotonic();
    const all = [...this.heard.values()].flatMap(({ verifiers, at }) =>
      verifiers.map((verifier) => ({ ...verifier, heardMillisAgo: verifier.heardMillisAgo + now - at })),
    );
    return latestOf(all).filter(({ heardMillisAgo }) => heardMillisAgo < PRESENT);
  }
}

function factsOf(verifiers: readonly Verifier[]): string {
  const facts = verifiers.map(({ instance, name, kids }) => JSON.stringify([instance, name, kids.toSorted()]));
  return facts.toSorted((a, b) => a.localeCompare(b)).join('\n');
}
