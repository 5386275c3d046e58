import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { memberState } from './api.ts';
import type { Observation, ReplicaSetObservation } from './api.ts';
import type { OplogStatistics, ServerStatistics } from './mongod/statistics.ts';

export interface Metrics {
  readonly countRequest: (labels: { route: string; code: string }) => void;
  readonly text: () => Promise<{ contentType: string; text: string }>;
}

/** Where a scrape gets its values; when one of them fails, the others are exposed all the same. */
export interface Sources {
  readonly observe: () => Promise<Observation>;
  readonly readServer: () => Promise<ServerStatistics>;
  readonly readOplog: () => Promise<OplogStatistics>;
}

interface Scrape {
  readonly seen?: Observation | undefined;
  readonly server?: ServerStatistics | undefined;
  readonly oplog?: OplogStatistics | undefined;
}

interface PlainGauge {
  readonly name: string;
  readonly help: string;
  /** What is not known is not exposed. */
  readonly valueOf: (scrape: Scrape) => number | undefined;
}

const plainGauges: readonly PlainGauge[] = [
  {
    name: 'authstack_mongodb_gate_held',
    help: '1 while mongod is held at the gate.',
    valueOf: ({ seen }) => seen && Number(seen.gate === 'waiting'),
  },
  {
    name: 'authstack_mongodb_up',
    help: '1 while mongod answers.',
    valueOf: ({ seen }) => seen && Number(seen.mongod.state === 'answers'),
  },
  {
    name: 'authstack_mongodb_volume_fenced',
    help: '1 while the volume is fenced, so that mongod does not start on it.',
    valueOf: ({ seen }) => seen && Number(seen.volume.fenced ?? false),
  },
  {
    name: 'authstack_mongodb_volume_capacity_bytes',
    help: 'Size of the file system with the database.',
    valueOf: ({ seen }) => seen?.volume.capacityBytes,
  },
  {
    name: 'authstack_mongodb_volume_available_bytes',
    help: 'Bytes that mongod can still write to the file system with the database.',
    valueOf: ({ seen }) => seen?.volume.availableBytes,
  },
  {
    name: 'authstack_mongodb_connections',
    help: 'Connections to mongod, of clients and of other members.',
    valueOf: ({ server }) => server?.connections,
  },
  {
    name: 'authstack_mongodb_oplog_window_seconds',
    help: 'From the first entry of the oplog to the last; a member that was away for longer needs an initial sync.',
    valueOf: ({ oplog }) => oplog?.windowSeconds,
  },
  {
    name: 'authstack_mongodb_oplog_used_ratio',
    help: 'How full the oplog is; until it is nearly 1 the window still grows.',
    valueOf: ({ oplog }) => oplog?.fullness,
  },
];

/** Gauges are read anew for each scrape. */
export function createMetrics(sources: Sources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'authstack_mongodb_agent_requests_total',
    help: 'Requests of the operator by route and outcome (OK or the error code).',
    labelNames: ['route', 'code'],
    registers,
  });
  const failures = new Counter({
    name: 'authstack_mongodb_scrape_failures_total',
    help: 'Parts of the metrics that could not be read, and are missing from a scrape.',
    labelNames: ['part'],
    registers,
  });
  for (const part of ['observation', 'server', 'oplog']) failures.inc({ part }, 0);
  const plain = plainGauges.map(({ name, help, valueOf }) => ({
    gauge: new Gauge({ name, help, registers }),
    valueOf,
  }));
  const state = new Gauge({
    name: 'authstack_mongodb_member_state',
    help: '1 for the state this member is in.',
    labelNames: ['state'],
    registers,
  });
  const lag = new Gauge({
    name: 'authstack_mongodb_lag_seconds',
    help: 'How far each member is behind the primary as this member sees it; absent when unknown.',
    labelNames: ['member'],
    registers,
  });
  const elections = new Counter({
    name: 'authstack_mongodb_elections_total',
    help: 'Elections that this member has called since mongod started, by reason.',
    labelNames: ['reason'],
    registers,
  });

  async function attempt<T>(part: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch {
      // The observation or mongod's log has the reason; a scrape every few seconds would fill the agent's log.
      failures.inc({ part });
      return undefined;
    }
  }

  async function scrape(): Promise<Scrape> {
    const seen = await attempt('observation', sources.observe);
    // The driver would look for a mongod that is down for longer than a scrape may take.
    if (seen?.replicaSet.state !== 'initialized') return { seen };
    const [server, oplog] = await Promise.all([
      attempt('server', sources.readServer),
      attempt('oplog', sources.readOplog),
    ]);
    return { seen, server, oplog };
  }

  function fillPlain(scrape: Scrape): void {
    for (const { gauge, valueOf } of plain) {
      const value = valueOf(scrape);
      if (value === undefined) gauge.remove();
      else gauge.set(value);
    }
  }

  function fillReplicaSet(replicaSet: ReplicaSetObservation): void {
    const self = replicaSet.state === 'initialized' ? replicaSet : undefined;
    for (const name of memberState.options) state.set({ state: name }, Number(self?.self === name));
    for (const { host, lagSeconds } of self?.members ?? []) {
      if (lagSeconds !== undefined) lag.set({ member: host }, lagSeconds);
    }
  }

  function fill(scrape: Scrape): void {
    for (const metric of [state, lag, elections]) metric.reset();
    fillPlain(scrape);
    if (scrape.seen) fillReplicaSet(scrape.seen.replicaSet);
    for (const [reason, called] of Object.entries(scrape.server?.elections ?? {})) elections.inc({ reason }, called);
  }

  return {
    countRequest: (labels) => {
      requests.inc(labels);
    },
    text: async () => {
      fill(await scrape());
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
