import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { memberState } from './api.ts';
import type { Observation } from './api.ts';

export interface Metrics {
  readonly countRequest: (labels: { route: string; code: string }) => void;
  readonly text: () => Promise<{ contentType: string; text: string }>;
}

/** Gauges are filled by an observation made for the scrape. */
export function createMetrics(observe: () => Promise<Observation>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'authstack_mongodb_agent_requests_total',
    help: 'Requests of the operator by route and outcome (OK or the error code).',
    labelNames: ['route', 'code'],
    registers,
  });
  const held = new Gauge({
    name: 'authstack_mongodb_gate_held',
    help: '1 while mongod is held at the gate.',
    registers,
  });
  const up = new Gauge({ name: 'authstack_mongodb_up', help: '1 while mongod answers.', registers });
  const state = new Gauge({
    name: 'authstack_mongodb_member_state',
    help: '1 for the state this member is in.',
    labelNames: ['state'],
    registers,
  });
  const lag = new Gauge({
    name: 'authstack_mongodb_lag_seconds',
    help: 'How far each member is behind the primary as this member sees it; absent when it cannot tell.',
    labelNames: ['member'],
    registers,
  });

  function fill({ gate, mongod, replicaSet }: Observation): void {
    held.set(Number(gate === 'waiting'));
    up.set(Number(mongod.state === 'answers'));
    const self = replicaSet.state === 'initialized' ? replicaSet : undefined;
    for (const name of memberState.options) state.set({ state: name }, Number(self?.self === name));
    lag.reset();
    for (const { host, lagSeconds } of self?.members ?? []) {
      if (lagSeconds !== undefined) lag.set({ member: host }, lagSeconds);
    }
  }

  return {
    countRequest: (labels) => {
      requests.inc(labels);
    },
    text: async () => {
      fill(await observe());
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
