import { reconcileResults } from './metrics.ts';
import type { QueueLabels, RuntimeMetrics } from './metrics.ts';

export function concurrencyOf({ concurrency = 4 }: { readonly concurrency?: number }): number {
  return concurrency;
}

/** A series that appears only with its first error makes no alert that compares rates. */
export function metricsFromZero(
  metrics: RuntimeMetrics,
  options: { readonly name: string; readonly concurrency?: number },
): void {
  const { name } = options;
  const controller = name;
  for (const result of reconcileResults) metrics.reconciles.inc({ controller, result }, 0);
  metrics.reconcileErrors.inc({ controller }, 0);
  metrics.terminalErrors.inc({ controller }, 0);
  metrics.reconcilePanics.inc({ controller }, 0);
  metrics.reconcileTimeouts.inc({ controller }, 0);
  metrics.reconcileSeconds.zero({ controller });
  metrics.activeWorkers.set({ controller }, 0);
  metrics.maxConcurrent.set({ controller }, concurrencyOf(options));
  const queue = queueLabels(options);
  metrics.queueAdds.inc(queue, 0);
  metrics.queueRetries.inc(queue, 0);
  metrics.queueSeconds.zero(queue);
  metrics.workSeconds.zero(queue);
}

/** A controller has one queue, of its own name. */
export function queueLabels({ name }: { readonly name: string }): QueueLabels {
  return { name, controller: name };
}
