import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** Named as controller-runtime names them, so that its dashboards and alerts fit. */
export interface RuntimeMetrics {
  readonly registry: Registry;
  readonly reconciles: Counter<'controller' | 'result'>;
  readonly reconcileErrors: Counter<'controller'>;
  readonly reconcileTimeouts: Counter<'controller'>;
  readonly reconcileSeconds: Histogram<'controller'>;
  readonly activeWorkers: Gauge<'controller'>;
  readonly maxConcurrent: Gauge<'controller'>;
  readonly queueDepth: Gauge<'name'>;
  readonly queueAdds: Counter<'name'>;
  readonly queueRetries: Counter<'name'>;
  readonly requests: Counter<'code' | 'method' | 'host'>;
  readonly watchReconnects: Counter<'kind' | 'reason'>;
  readonly watchHeard: Gauge<'kind'>;
  readonly leads: Gauge<'name'>;
}

export const reconcileResults = ['success', 'error', 'requeue', 'requeue_after'] as const;

export function createRuntimeMetrics(registry: Registry = new Registry()): RuntimeMetrics {
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const controller = ['controller'] as const;
  const name = ['name'] as const;
  return {
    registry,
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
    queueDepth: new Gauge({ name: 'workqueue_depth', help: 'Keys that wait.', labelNames: name, registers }),
    queueAdds: new Counter({ name: 'workqueue_adds_total', help: 'Keys added.', labelNames: name, registers }),
    queueRetries: new Counter({ name: 'workqueue_retries_total', help: 'Keys retried.', labelNames: name, registers }),
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
      help: 'When the API server last said something, if only that nothing has changed; beyond 3 minutes something is wrong.',
      labelNames: ['kind'],
      registers,
    }),
    leads: new Gauge({
      name: 'leader_election_master_status',
      help: '1 while this process leads.',
      labelNames: name,
      registers,
    }),
  };
}
