import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Overlap } from './installation-claims.ts';
import type { Millis } from './objects.ts';
import type { ServerClock } from './server-clock.ts';

export interface QueueLabels {
  readonly name: string;
  readonly controller: string;
}

export interface FollowedQueue {
  /** Keys that wait. */
  readonly depth: number;
  /** How long each key under way has been worked on. */
  readonly unfinished: readonly Millis[];
}

/** Named as controller-runtime names them, so that its dashboards and alerts fit. */
export interface RuntimeMetrics {
  readonly registry: Registry;
  readonly reconciles: Counter<'controller' | 'result'>;
  readonly reconcileErrors: Counter<'controller'>;
  readonly terminalErrors: Counter<'controller'>;
  readonly reconcilePanics: Counter<'controller'>;
  readonly reconcileTimeouts: Counter<'controller'>;
  readonly reconcileSeconds: Histogram<'controller'>;
  readonly activeWorkers: Gauge<'controller'>;
  readonly maxConcurrent: Gauge<'controller'>;
  readonly queueAdds: Counter<'name' | 'controller'>;
  readonly queueRetries: Counter<'name' | 'controller'>;
  readonly queueSeconds: Histogram<'name' | 'controller'>;
  readonly workSeconds: Histogram<'name' | 'controller'>;
  /** From now on the queue is looked at whenever somebody asks for the metrics. */
  followQueue(labels: QueueLabels, queue: FollowedQueue): void;
  readonly requests: Counter<'code' | 'method' | 'host'>;
  readonly watchReconnects: Counter<'kind' | 'reason'>;
  readonly watchHeard: Gauge<'kind' | 'watch_namespace'>;
  readonly watchRefused: Gauge<'watch_namespace'>;
  /** From now on overlaps are looked at whenever somebody asks for the metrics. */
  followOverlaps(controller: string, source: { readonly overlaps: readonly Overlap[] }): void;
  readonly leads: Gauge<'name'>;
  /** From now on it is looked at whenever somebody asks for the metrics. */
  followServerClock(source: Pick<ServerClock, 'offset'>): void;
}

export const reconcileResults = ['success', 'error', 'requeue', 'requeue_after'] as const;

export function createRuntimeMetrics(registry: Registry = new Registry()): RuntimeMetrics {
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  return {
    registry,
    ...reconcileMetrics(registers),
    ...queueMetrics(registers),
    requests: new Counter({
      name: 'rest_client_requests_total',
      help: 'Requests to the API server by status code, method and host.',
      labelNames: ['code', 'method', 'host'],
      registers,
    }),
    watchReconnects: new Counter({
      name: 'watch_reconnects_total',
      help: 'Watches begun anew, by kind and reason.',
      labelNames: ['kind', 'reason'],
      registers,
    }),
    watchHeard: new Gauge({
      name: 'watch_last_event_timestamp_seconds',
      help: 'When the API server last sent something on this watch, if only a bookmark; more than 3 minutes ago means trouble.',
      // Not `namespace`, which a scrape gives to the pod of this process. Empty: all namespaces.
      labelNames: ['kind', 'watch_namespace'],
      registers,
    }),
    watchRefused: new Gauge({
      name: 'watch_namespace_refused',
      help: '1 while the API server forbids to watch that listed namespace; a deleted one looks the same.',
      labelNames: ['watch_namespace'],
      registers,
    }),
    followOverlaps: overlapMetric(registers),
    followServerClock: serverClockMetric(registers),
    leads: new Gauge({
      name: 'leader_election_master_status',
      help: '1 while this process leads.',
      labelNames: ['name'],
      registers,
    }),
  };
}

function overlapMetric(registers: Registry[]): RuntimeMetrics['followOverlaps'] {
  const followed: Parameters<RuntimeMetrics['followOverlaps']>[] = [];
  new Gauge({
    name: 'controller_overlapping_installation',
    help: '1 while another installation reconciles objects of that namespace as well.',
    labelNames: ['controller', 'object_namespace', 'installation'],
    registers,
    collect() {
      this.reset();
      for (const [controller, { overlaps }] of followed) {
        for (const { namespace, installation } of overlaps) {
          this.set({ controller, object_namespace: namespace, installation }, 1);
        }
      }
    },
  });
  return (controller, source) => {
    followed.push([controller, source]);
  };
}

function serverClockMetric(registers: Registry[]): RuntimeMetrics['followServerClock'] {
  let followed: Pick<ServerClock, 'offset'> | undefined;
  new Gauge({
    name: 'api_server_clock_offset_seconds',
    help: 'How far the clock of the API server is ahead of this machine, at least and at most; absent before its first answer.',
    labelNames: ['bound'],
    registers,
    collect() {
      this.reset();
      for (const [bound, millis] of Object.entries(followed?.offset ?? {})) this.set({ bound }, millis / 1000);
    },
  });
  return (source) => {
    followed = source;
  };
}

type ReconcileMetrics = Pick<
  RuntimeMetrics,
  | 'reconciles'
  | 'reconcileErrors'
  | 'terminalErrors'
  | 'reconcilePanics'
  | 'reconcileTimeouts'
  | 'reconcileSeconds'
  | 'activeWorkers'
  | 'maxConcurrent'
>;

function reconcileMetrics(registers: Registry[]): ReconcileMetrics {
  const controller = ['controller'] as const;
  return {
    reconciles: new Counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Passes by controller and result.',
      labelNames: ['controller', 'result'],
      registers,
    }),
    reconcileErrors: new Counter({
      name: 'controller_runtime_reconcile_errors_total',
      help: 'Passes that failed.',
      labelNames: controller,
      registers,
    }),
    terminalErrors: new Counter({
      name: 'controller_runtime_terminal_reconcile_errors_total',
      help: 'Passes that failed in a way that no retry can mend.',
      labelNames: controller,
      registers,
    }),
    reconcilePanics: new Counter({
      name: 'controller_runtime_reconcile_panics_total',
      help: 'Passes that a mistake in the code ended.',
      labelNames: controller,
      registers,
    }),
    reconcileTimeouts: new Counter({
      name: 'controller_runtime_reconcile_timeouts_total',
      help: 'Passes cut off at their deadline.',
      labelNames: controller,
      registers,
    }),
    reconcileSeconds: new Histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'How long a pass took.',
      labelNames: controller,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    activeWorkers: new Gauge({
      name: 'controller_runtime_active_workers',
      help: 'Passes under way.',
      labelNames: controller,
      registers,
    }),
    maxConcurrent: new Gauge({
      name: 'controller_runtime_max_concurrent_reconciles',
      help: 'Passes that may be under way at the same time.',
      labelNames: controller,
      registers,
    }),
  };
}

type QueueMetrics = Pick<RuntimeMetrics, 'queueAdds' | 'queueRetries' | 'queueSeconds' | 'workSeconds' | 'followQueue'>;

function queueMetrics(registers: Registry[]): QueueMetrics {
  const labelNames = ['name', 'controller'] as const;
  // client-go's: ten times as much from bucket to bucket, from 10 ns on; below a millisecond nothing can be measured here.
  const buckets = [0.001, 0.01, 0.1, 1, 10, 100, 1000];
  const followed: { readonly labels: QueueLabels; readonly queue: FollowedQueue }[] = [];
  const gauge = (name: string, help: string, valueOf: (queue: FollowedQueue) => number): Gauge =>
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        for (const { labels, queue } of followed) this.set({ ...labels }, valueOf(queue));
      },
    });
  gauge('workqueue_depth', 'Keys that wait.', ({ depth }) => depth);
  gauge('workqueue_unfinished_work_seconds', 'How long all keys under way have been worked on.', ({ unfinished }) =>
    unfinished.reduce((sum, millis) => sum + millis / 1000, 0),
  );
  gauge(
    'workqueue_longest_running_processor_seconds',
    'How long the key that is under way for the longest has been worked on.',
    ({ unfinished }) => Math.max(0, ...unfinished) / 1000,
  );
  return {
    queueAdds: new Counter({ name: 'workqueue_adds_total', help: 'Keys added.', labelNames, registers }),
    queueRetries: new Counter({ name: 'workqueue_retries_total', help: 'Keys retried.', labelNames, registers }),
    queueSeconds: new Histogram({
      name: 'workqueue_queue_duration_seconds',
      help: 'How long a key waited before it was taken.',
      labelNames,
      buckets,
      registers,
    }),
    workSeconds: new Histogram({
      name: 'workqueue_work_duration_seconds',
      help: 'How long a key was worked on.',
      labelNames,
      buckets,
      registers,
    }),
    followQueue(labels, queue) {
      followed.push({ labels, queue });
    },
  };
}
