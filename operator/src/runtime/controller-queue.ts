import type { Clock } from './clock.ts';
import type { ControllerOptions } from './controller-options.ts';
import { queueLabels } from './controller-metrics.ts';
import type { QueueLabels, RuntimeMetrics } from './metrics.ts';
import type { KubernetesObject, Millis } from './objects.ts';
import { WorkQueue } from './work-queue.ts';
import type { Urgency } from './work-queue.ts';

/** A plan that asks for a look in the past must not spin. */
const SOONEST_RECHECK: Millis = 100;

export interface ControllerQueuePorts {
  readonly clock: Clock;
  readonly metrics: RuntimeMetrics;
}

/** The keys of one controller that are to be reconciled, with the metrics of it. */
export class ControllerQueue {
  private readonly queue: WorkQueue;
  private readonly metrics: RuntimeMetrics;
  private readonly clock: Clock;
  private readonly labels: QueueLabels;

  constructor(options: Pick<ControllerOptions<KubernetesObject>, 'name'>, { clock, metrics }: ControllerQueuePorts) {
    const labels = queueLabels(options);
    this.labels = labels;
    this.metrics = metrics;
    this.clock = clock;
    this.queue = new WorkQueue({
      clock,
      backoff: { base: 100, cap: 60_000 },
      onTaken: (waited) => {
        metrics.queueSeconds.observe(labels, waited / 1000);
      },
      onDone: (worked) => {
        metrics.workSeconds.observe(labels, worked / 1000);
      },
    });
    metrics.followQueue(labels, this.queue);
  }

  add(key: string, urgency?: Urgency): void {
    this.metrics.queueAdds.inc(this.labels);
    this.queue.add(key, urgency);
  }

  /** For its report, once no pass waits; a pass that is asked for meanwhile comes in its place. */
  addReport(key: string): void {
    this.queue.add(key, 'last');
  }

  /** Whether the key that was taken is to be reported on, and is to have no pass. */
  isReport(key: string): boolean {
    return this.queue.takenAs(key) === 'last';
  }

  /** After that delay, once for however many ask meanwhile; without one at once. */
  addWithin(key: string, delay: Millis = 0): void {
    if (delay === 0) this.add(key);
    else this.queue.addAfter(key, delay);
  }

  /** Again after its back-off, which is returned. */
  retry(key: string): Millis {
    this.metrics.queueRetries.inc(this.labels);
    return this.queue.addRateLimited(key);
  }

  /** How many times in a row the key was retried. */
  retries(key: string): number {
    return this.queue.retries(key);
  }

  /** The next failure is the first of its row. */
  endRetries(key: string): void {
    this.queue.forget(key);
  }

  /** Again at that wall clock time. */
  addAt(key: string, at: Millis): void {
    this.queue.addAfter(key, Math.max(SOONEST_RECHECK, at - this.clock.now()));
  }

  /** Its object is gone: nothing of it is left here, no matter what was planned. */
  drop(key: string): void {
    this.queue.drop(key);
  }

  take(): Promise<string | undefined> {
    return this.queue.take();
  }

  done(key: string): void {
    this.queue.done(key);
  }

  shutDown(): void {
    void this.queue.shutDownWithDrain();
  }
}
