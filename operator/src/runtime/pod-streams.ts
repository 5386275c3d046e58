import { wait, whenAborted } from './clock.ts';
import type { Clock } from './clock.ts';
import { podKind } from './core-kinds.ts';
import type { PerObjectOf } from './manager.ts';
import type { Millis, ObjectRef } from './objects.ts';
import type { PerObject } from './per-object.ts';

/** A pod that streams lines, and what is woken by them. */
export interface StreamingPod extends ObjectRef {
  readonly uid: string;
  readonly ip: string;
  /** Key (`namespace/name`) of the object that the pod belongs to. */
  readonly owner: string;
}

/** How it stands with the stream that is held to one pod. */
export type PodStream =
  /** Never open yet. */
  | { readonly state: 'opening' }
  | { readonly state: 'open'; readonly line: string }
  | {
      readonly state: 'lost';
      readonly why: LossReason;
      /** The last line before. */
      readonly line?: string;
      /** When the last line was heard, or it was first tried; on the monotonic clock. Attempts that fail do not renew it. */
      readonly since: Millis;
    };

/**
 * `ended`: the other side closed it. `refused`: a connect was answered with a reset, so nothing listens at a living
 * address. `silent`: no line in time, which proves nothing. `failed`: anything else.
 */
export type LossReason = 'ended' | 'refused' | 'silent' | 'failed';

export interface PodStreamsOptions {
  readonly perObject: PerObjectOf;
  readonly clock: Clock;
  /**
   * Opens the stream of a pod: a line for each change, and the same line again as a heartbeat. Throws where it cannot be
   * opened. Everything ends when `signal` aborts.
   */
  readonly open: (pod: StreamingPod, signal: AbortSignal) => Promise<AsyncIterable<string>>;
  /** Several heartbeats long: after so much silence the connection counts as dead and is opened anew. */
  readonly silentAfter: Millis;
  /** A line differs from the one before it, or the stream was lost. The first line of a stream is a change as well. */
  readonly onChange: (pod: StreamingPod, stream: PodStream) => void;
}

/** A stream that stood for so long begins a new row of failures when it is lost. */
const STABLE_AFTER: Millis = 5_000;
const FIRST_PAUSE: Millis = 100;
const LONGEST_PAUSE: Millis = 30_000;

/**
 * Holds one stream to each pod it is told of, for as long as the Pod object exists:
 *
 *     hold ──► opening ──► open ──► lost ──┐      pauses grow from 0.1 s to 30 s; `hold` ends a pause
 *                           ▲              │
 *                           └──────────────┘
 */
export class PodStreams {
  private readonly options: PodStreamsOptions;
  private readonly held: PerObject<Held>;
  /** Also those that were dropped and still end. */
  private readonly running: Set<Held> = new Set();
  private isStopped = false;

  constructor(options: PodStreamsOptions) {
    this.options = options;
    this.held = options.perObject<Held>(podKind, (held) => {
      held.stop();
    });
  }

  /** Of a pod that is known to answer: opened if it is not held, tried again at once if it is lost. */
  hold(pod: StreamingPod): void {
    if (this.isStopped) return;
    const known = this.held.get(pod);
    if (known && isSame(known.pod, pod)) {
      known.retry();
      return;
    }
    const held = new Held(pod, this.options);
    this.running.add(held);
    void held.run().finally(() => this.running.delete(held));
    this.held.set(pod, held);
  }

  release(pod: ObjectRef): void {
    this.held.delete(pod);
  }

  /** undefined: not held. */
  of(pod: ObjectRef): PodStream | undefined {
    return this.held.get(pod)?.stream;
  }

  /** Ends all of them, for good, when `signal` aborts; resolves once they have ended. */
  async run(signal: AbortSignal): Promise<void> {
    await whenAborted(signal);
    this.isStopped = true;
    for (const held of this.running) held.stop();
    await Promise.all([...this.running].map(({ ended }) => ended));
  }
}

class Held {
  readonly pod: StreamingPod;
  stream: PodStream = { state: 'opening' };
  ended: Promise<void> = Promise.resolve();
  private readonly options: PodStreamsOptions;
  private readonly stopping: AbortController = new AbortController();
  private pause: AbortController | undefined;
  private failures = 0;
  private heardAt: Millis;

  constructor(pod: StreamingPod, options: PodStreamsOptions) {
    this.pod = pod;
    this.options = options;
    this.heardAt = options.clock.monotonic();
  }

  run(): Promise<void> {
    this.ended = this.keepOpen();
    return this.ended;
  }

  stop(): void {
    this.stopping.abort();
    this.pause?.abort();
  }

  retry(): void {
    this.pause?.abort();
  }

  private isStopped(): boolean {
    return this.stopping.signal.aborted;
  }

  private async keepOpen(): Promise<void> {
    const { clock } = this.options;
    while (!this.isStopped()) {
      const begun = clock.monotonic();
      const why = await this.listen();
      if (this.isStopped()) return;
      const stood = this.stream.state === 'open' && clock.monotonic() - begun >= STABLE_AFTER;
      this.failures = stood ? 1 : this.failures + 1;
      this.lose(why);
      this.pause = new AbortController();
      const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (this.failures - 1));
      await wait(clock, longest * (0.5 + clock.random() / 2), this.pause.signal).catch(() => undefined);
      this.pause = undefined;
    }
  }

  /** Until the stream is lost. */
  private async listen(): Promise<LossReason> {
    const { clock, silentAfter, open } = this.options;
    const over = new AbortController();
    const silence = new AbortController();
    const end = (): void => {
      over.abort();
    };
    this.stopping.signal.addEventListener('abort', end, { once: true });
    const arm = (): (() => void) =>
      clock.after(silentAfter, () => {
        silence.abort();
        end();
      });
    let disarm = arm();
    try {
      for await (const line of await open(this.pod, over.signal)) {
        disarm();
        disarm = arm();
        this.hear(line);
      }
      return silence.signal.aborted ? 'silent' : 'ended';
    } catch (error) {
      if (silence.signal.aborted) return 'silent';
      if (codesOf(error).includes('ECONNREFUSED')) return 'refused';
      // A process that is killed leaves a stream that breaks off.
      return this.stream.state === 'open' ? 'ended' : 'failed';
    } finally {
      disarm();
      this.stopping.signal.removeEventListener('abort', end);
      end();
    }
  }

  private hear(line: string): void {
    const { stream } = this;
    this.heardAt = this.options.clock.monotonic();
    if (stream.state === 'open' && stream.line === line) return;
    this.become({ state: 'open', line });
  }

  private lose(why: LossReason): void {
    const { stream } = this;
    if (stream.state === 'lost') {
      // A later attempt may tell more than the loss did.
      if (why === 'refused' && stream.why !== 'refused') this.become({ ...stream, why });
      return;
    }
    const line = stream.state === 'open' ? { line: stream.line } : {};
    this.become({ state: 'lost', why, ...line, since: this.heardAt });
  }

  private become(stream: PodStream): void {
    this.stream = stream;
    this.options.onChange(this.pod, stream);
  }
}

function isSame(one: StreamingPod, other: StreamingPod): boolean {
  return one.uid === other.uid && one.ip === other.ip && one.owner === other.owner;
}

/** undici wraps what a socket reports. */
function codesOf(error: unknown): readonly unknown[] {
  if (typeof error !== 'object' || error === null) return [];
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown };
  return [code, ...codesOf(cause)];
}
