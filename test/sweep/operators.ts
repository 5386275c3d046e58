import type { Settings } from '../../operator/src/environment.ts';
import { createOperator } from '../../operator/src/operator.ts';
import { createApiClient } from '../../operator/src/runtime/client.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import type { Clock } from '../../operator/src/runtime/clock.ts';
import type { Log } from '../../operator/src/runtime/log.ts';
import { createRuntimeMetrics } from '../../operator/src/runtime/metrics.ts';

export const settings: Settings = {
  namespaces: [],
  images: {
    auth: 'example.com/auth:test',
    agent: 'example.com/mongodb-agent:test',
    mongodb: { '4.4': 'example.com/mongodb:4.4', '5.0': 'example.com/mongodb:5.0', '6.0': 'example.com/mongodb:6.0' },
    defaultVersion: '6.0',
    pullPolicy: 'IfNotPresent',
  },
  identity: 'operator-1',
  probePort: 0,
  logLevel: 'info',
};

export interface OperatorsOptions {
  readonly kubeconfig: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface Running {
  readonly client: ApiClient;
  readonly stopping: AbortController;
  readonly ended: Promise<unknown>;
}

/** The operator in this process; one at a time, each with an empty memory. */
export class Operators {
  private readonly options: OperatorsOptions;
  // Once: the default metrics of a process are its own, whichever operator runs in it.
  private readonly metrics: ReturnType<typeof createRuntimeMetrics> = createRuntimeMetrics();
  private running: Running | undefined;

  constructor(options: OperatorsOptions) {
    this.options = options;
  }

  start(): void {
    const { kubeconfig, clock, log } = this.options;
    const client = createApiClient({ userAgent: 'authstack-operator', kubeconfig });
    const operator = createOperator(settings, { client, clock, log, metrics: this.metrics });
    const stopping = new AbortController();
    this.running = { client, stopping, ended: operator.run(stopping.signal) };
  }

  async stop(): Promise<void> {
    const { running } = this;
    this.running = undefined;
    running?.stopping.abort();
    await running?.ended;
    await running?.client.close();
  }
}
