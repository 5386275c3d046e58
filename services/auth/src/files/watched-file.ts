import { readFile, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { messageOf } from '@authstack/http-service/errors';
import type { Metrics } from '../metrics/metrics.ts';

/** Not to be used now; looked at again, for it may be later though the file stays as it is. */
export class NotYet extends Error {
  override readonly name: string = 'NotYet';
}

/** Whether it may be used is not known yet, which is no refusal. */
export class NotDecidedYet extends NotYet {
  override readonly name: string = 'NotDecidedYet';
}

export interface WatchedFileOptions<T> {
  /** For logs and metrics. */
  readonly name: string;
  readonly path: string;
  /** Throws when the content is invalid; its message must not repeat the content. */
  readonly parse: (text: string) => T | Promise<T>;
  /** Throws where valid content must not be used all the same. */
  readonly accept?: (next: T, current: T | undefined) => Promise<void> | void;
}

export interface WatchingPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

const POLL_EVERY: Millis = 1_000;

/**
 * A file of a mounted Secret. kubelet swaps a symlink above it, which file watchers on the file itself miss, so it is
 * looked at once a second. Invalid content leaves the last good value in use.
 */
export class WatchedFile<T> {
  private readonly options: WatchedFileOptions<T>;
  private readonly ports: WatchingPorts;
  private value: T | undefined;
  private seen: string | undefined;
  private reason: string | undefined;
  private cancel: (() => void) | undefined;
  private stopped = false;

  constructor(options: WatchedFileOptions<T>, ports: WatchingPorts) {
    this.options = options;
    this.ports = ports;
  }

  get name(): string {
    return this.options.name;
  }

  /** The last good value. */
  get current(): T | undefined {
    return this.value;
  }

  /** Why the present content of the file is not in use. */
  get problem(): string | undefined {
    return this.reason;
  }

  /** Looks once, then once a second. */
  async start(): Promise<void> {
    await this.look();
    this.again();
  }

  stop(): void {
    this.stopped = true;
    this.cancel?.();
  }

  /** What it stands for depends on something else that has changed: it is read again though the file stays as it is. */
  lookAnew(): void {
    this.seen = undefined;
  }

  async look(): Promise<void> {
    const { name, path, parse, accept } = this.options;
    try {
      // A swapped mount shows as another inode behind the same path.
      const { ino, mtimeMs, ctimeMs, size } = await stat(path);
      const identity = [ino, mtimeMs, ctimeMs, size].join(':');
      if (identity === this.seen) return;
      const text = await readFile(path, 'utf8');
      this.seen = identity;
      const next = await parse(text);
      await accept?.(next, this.value);
      this.value = next;
      this.reason = undefined;
      this.ports.metrics.fileReloads.inc({ file: name, outcome: 'loaded' });
      this.ports.log.info({ file: name, path }, 'file loaded');
    } catch (error) {
      if (error instanceof NotYet) this.seen = undefined;
      this.report(error);
    }
  }

  private report(error: unknown): void {
    const { name, path } = this.options;
    const reason = messageOf(error);
    if (reason === this.reason) return;
    this.reason = reason;
    if (error instanceof NotDecidedYet) {
      this.ports.log.info({ file: name, path, reason }, 'file not used yet');
      return;
    }
    this.ports.metrics.fileReloads.inc({ file: name, outcome: 'refused' });
    const kept = this.value !== undefined;
    this.ports.log.error({ file: name, path, reason, lastGoodInUse: kept }, 'file invalid');
  }

  private again(): void {
    if (this.stopped) return;
    this.cancel = this.ports.clock.after(POLL_EVERY, () => {
      void this.look().finally(() => {
        this.again();
      });
    });
  }
}
