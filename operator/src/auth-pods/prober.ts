import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { authContract } from '@authstack/auth-service/api';
import { wait } from '../runtime/clock.ts';
import type { Clock } from '../runtime/clock.ts';
import { podKind } from '../runtime/core-kinds.ts';
import type { PerObjectOf } from '../runtime/manager.ts';
import type { Millis, ObjectRef } from '../runtime/objects.ts';
import { ASK_EVERY, SILENT_AFTER, answered, asked, reachabilityOf } from './reachability.ts';
import type { Attention, Reachability } from './reachability.ts';

/*
 * Asks auth pods whether they are there, each once a second over a connection that it keeps. Nothing of an answer is read:
 * whatever comes back is a sign of life, and whether the pod is ready is for its kubelet to say. A library that parses answers
 * takes three times as much of a core for 2,000 pods, and five times the memory.
 */

export interface AuthPodProber {
  /** Begins to ask the pod at that address, if it does not already, and says what is known of it. */
  reachabilityOf(pod: ProbedPod): Reachability;
  /** The pod is asked no more. */
  leave(pod: ObjectRef): void;
  /** Asks until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface ProbedPod extends ObjectRef {
  readonly ip: string;
  readonly stack: ObjectRef;
}

export interface ProberPorts {
  readonly clock: Clock;
  readonly perObject: PerObjectOf;
  /** A pod of that stack has become silent, or is so no more. */
  readonly onChange: (stack: ObjectRef) => void;
}

/** So that the pods of many stacks are not all asked in the same moment. */
const TICK: Millis = 50;

const QUESTION = `HEAD ${authContract.alivePath} HTTP/1.1\r\nhost: auth\r\n\r\n`;

export function createAuthPodProber({ clock, perObject, onChange }: ProberPorts): AuthPodProber {
  const open = new Set<Probe>();
  const probes = perObject<Probe>(podKind, (probe) => {
    probe.close();
    open.delete(probe);
  });

  function probeOf({ ip, stack, ...pod }: ProbedPod): Probe {
    const known = probes.get(pod);
    if (known?.ip === ip) return known;
    const probe = new Probe(ip, () => {
      onChange(stack);
    });
    open.add(probe);
    probes.set(pod, probe);
    return probe;
  }

  return {
    reachabilityOf: (pod) => probeOf(pod).reachability(clock.monotonic()),
    leave: (pod) => {
      probes.delete(pod);
    },
    async run(signal) {
      try {
        while (!signal.aborted) {
          for (const probe of open) probe.ask(clock);
          await wait(clock, TICK, signal).catch(() => undefined);
        }
      } finally {
        for (const probe of open) probe.close();
        open.clear();
      }
    },
  };
}

/** The questions to one pod. */
class Probe {
  readonly ip: string;
  private readonly onChange: () => void;
  private known: Attention | undefined;
  /** The one that answered last is used again. A question without an answer holds its own, for that may be what is broken. */
  private readonly lines: Set<Line> = new Set();

  constructor(ip: string, onChange: () => void) {
    this.ip = ip;
    this.onChange = onChange;
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
    const socket = connect({ host: this.ip, port: authContract.probePort });
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
