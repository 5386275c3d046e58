import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { authContract } from '@authstack/auth-service/api';
import { OUT_OF_SERVICE, SERVING_LABEL, STACK_LABEL } from '../api/names.ts';
import type { Component } from '../api/names.ts';
import { wait } from '../runtime/clock.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Pod } from '../runtime/core-kinds.ts';
import { keyOf } from '../runtime/objects.ts';
import type { Millis, ObjectRef } from '../runtime/objects.ts';
import type { Change } from '../runtime/store.ts';
import { ASK_EVERY, SILENT_AFTER, answered, asked, reachabilityOf } from './reachability.ts';
import type { Attention, Reachability } from './reachability.ts';

/*
 * Asks auth pods whether they are there, each once a second over a connection that it keeps. Nothing of an answer is read:
 * whatever comes back is a sign of life, and whether the pod is ready is for its kubelet to say. A library that parses answers
 * takes three times as much of a core for 2,000 pods, and five times the memory.
 */

export interface AuthPodProber {
  /** `unknown` also of a pod that is not asked. */
  reachabilityOf(pod: ObjectRef): Reachability;
  /** Asks until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface ProberPorts {
  readonly clock: Clock;
  /** Has every change of a Pod from now on told to that listener. */
  readonly followPods: (listener: (change: Change<Pod>) => void) => void;
  /** A pod of that stack has become silent, or is so no more. */
  readonly onChange: (stack: ObjectRef) => void;
}

const AUTH: Component = 'auth';
/** So that the pods of many stacks are not all asked in the same moment. */
const TICK: Millis = 50;

const QUESTION = `HEAD ${authContract.alivePath} HTTP/1.1\r\nhost: auth\r\n\r\n`;

/** Follows the pods by itself, so that a process which does not lead yet knows already who answers when it does. */
export function createAuthPodProber({ clock, followPods, onChange }: ProberPorts): AuthPodProber {
  const probes = new Map<string, Probe>();

  followPods(({ before, after }) => {
    const pod = after ?? before;
    if (!pod) return;
    const key = keyOf(pod.metadata);
    const asked = after && askedOf(after);
    const known = probes.get(key);
    if (known?.isOf(asked)) return;
    known?.close();
    probes.delete(key);
    if (!asked) return;
    const tell = (): void => {
      onChange(asked.stack);
    };
    probes.set(key, new Probe(asked, tell));
  });

  return {
    reachabilityOf: (pod) => probes.get(keyOf(pod))?.reachability(clock.monotonic()) ?? { state: 'unknown' },
    async run(signal) {
      try {
        while (!signal.aborted) {
          for (const probe of probes.values()) probe.ask(clock);
          await wait(clock, TICK, signal).catch(() => undefined);
        }
      } finally {
        for (const probe of probes.values()) probe.close();
        probes.clear();
      }
    },
  };
}

/** A pod that is asked. */
interface AskedPod {
  readonly ip: string;
  readonly uid: string | undefined;
  readonly stack: ObjectRef;
}

function askedOf(pod: Pod): AskedPod | undefined {
  const { namespace = '', uid, labels } = pod.metadata;
  const ip = addressToAsk(pod);
  return ip === undefined ? undefined : { ip, uid, stack: { namespace, name: labels?.[STACK_LABEL] ?? '' } };
}

/** Nobody sends to a pod that is not ready, and one that starts is not asked again and again. */
function addressToAsk(pod: Pod): string | undefined {
  const { labels = {}, deletionTimestamp } = pod.metadata;
  if (labels['app.kubernetes.io/component'] !== AUTH || deletionTimestamp !== undefined) return undefined;
  return isReady(pod) || labels[SERVING_LABEL] === OUT_OF_SERVICE ? pod.status?.podIP : undefined;
}

export function isReady({ status }: Pod): boolean {
  return status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;
}

/** The questions to one pod. */
class Probe {
  private readonly pod: AskedPod;
  private readonly onChange: () => void;
  private known: Attention | undefined;
  /** The one that answered last is used again. A question without an answer holds its own, for that may be what is broken. */
  private readonly lines: Set<Line> = new Set();

  constructor(pod: AskedPod, onChange: () => void) {
    this.pod = pod;
    this.onChange = onChange;
  }

  isOf(pod: AskedPod | undefined): boolean {
    return pod?.ip === this.pod.ip && pod.uid === this.pod.uid;
  }

  reachability(now: Millis): Reachability {
    return reachabilityOf(this.known, now);
  }

  /** Unless it was asked less than a second ago. */
  ask(clock: Clock): void {
    const now = clock.monotonic();
    if (this.known && now - this.known.askedAt < ASK_EVERY) return;
    for (const line of this.lines) if (line.isWaiting && now - line.askedAt >= SILENT_AFTER) this.hangUp(line);
    this.learn(asked(this.known, now));
    const [line = this.dial(clock)] = [...this.lines].filter(({ isWaiting }) => !isWaiting);
    line.askedAt = now;
    line.isWaiting = true;
    line.socket.write(QUESTION);
  }

  close(): void {
    for (const line of this.lines) this.hangUp(line);
  }

  private dial(clock: Clock): Line {
    const socket = connect({ host: this.pod.ip, port: authContract.probePort });
    const line: Line = { socket, askedAt: 0, isWaiting: true };
    this.lines.add(line);
    socket.on('data', () => {
      if (!this.known || !this.lines.has(line)) return;
      line.isWaiting = false;
      // One is enough.
      for (const other of this.lines) if (other !== line) this.hangUp(other);
      this.learn(answered(this.known, clock.monotonic()));
    });
    // No line is a sign of anything but itself: whoever refuses or hangs up is asked again when it is time.
    socket.on('error', () => undefined).on('close', () => this.lines.delete(line));
    return line;
  }

  private hangUp(line: Line): void {
    this.lines.delete(line);
    line.socket.destroy();
  }

  private learn(known: Attention): void {
    const changes = known.isSilent !== (this.known?.isSilent ?? false);
    this.known = known;
    if (changes) this.onChange();
  }
}

interface Line {
  readonly socket: Socket;
  askedAt: Millis;
  isWaiting: boolean;
}
