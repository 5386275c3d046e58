import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock, Millis } from '@authstack/http-service/clock';

export interface Metrics {
  readonly registry: Registry;
  readonly httpDuration: Histogram<'method' | 'route' | 'status'>;
  readonly serviceDuration: Histogram<'method' | 'route' | 'status'>;
  readonly clientsRefused: Counter<'reason'>;
  readonly signIns: Counter<'outcome'>;
  readonly signUps: Counter<'outcome'>;
  readonly refreshes: Counter<'outcome'>;
  readonly throttled: Counter<'operation' | 'by'>;
  readonly hashDuration: Histogram;
  readonly hashesRefused: Counter;
  readonly passwordHashes: Gauge<'pepper' | 'loaded'>;
  readonly fileReloads: Counter<'file' | 'outcome'>;
  readonly feedStreamsEnded: Counter<'reason'>;
  readonly acknowledgements: Counter<'outcome'>;
  readonly operatorRequests: Counter<'route' | 'code'>;
}

/** One registry per service, so that two can live in one process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    httpDuration: new Histogram({
      name: 'authstack_http_request_duration_seconds',
      help: 'Time to answer a request of the public listener.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
    serviceDuration: new Histogram({
      name: 'authstack_service_request_duration_seconds',
      help: 'Time to answer a request of the listener for services.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
    clientsRefused: new Counter({
      name: 'authstack_clients_refused_total',
      help: 'Requests of the listener for services that were refused with 401, by what was wrong with the client.',
      labelNames: ['reason'],
      registers,
    }),
    signIns: new Counter({
      name: 'authstack_sign_ins_total',
      help: 'Sign-ins by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    signUps: new Counter({
      name: 'authstack_sign_ups_total',
      help: 'Sign-ups by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    refreshes: new Counter({
      name: 'authstack_session_refreshes_total',
      help: 'Session refreshes by outcome.',
      labelNames: ['outcome'],
      registers,
    }),
    throttled: new Counter({
      name: 'authstack_throttled_requests_total',
      help: 'Requests refused with 429, by operation and by what was counted: network, address_on_account, account, device, client or session.',
      labelNames: ['operation', 'by'],
      registers,
    }),
    hashDuration: new Histogram({
      name: 'authstack_password_hash_seconds',
      help: 'Time of one password hash, without its wait in the queue.',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
      registers,
    }),
    hashesRefused: new Counter({
      name: 'authstack_password_hashes_refused_total',
      help: 'Password hashes refused because the queue was full.',
      registers,
    }),
    passwordHashes: new Gauge({
      name: 'authstack_password_hashes',
      help: 'Stored password hashes by the pepper they need; loaded is false for a pepper that this pod lacks.',
      labelNames: ['pepper', 'loaded'],
      registers,
    }),
    fileReloads: new Counter({
      name: 'authstack_file_reloads_total',
      help: 'Mounted files that were loaded, or refused because they are invalid: the last good content stays in use.',
      labelNames: ['file', 'outcome'],
      registers,
    }),
    feedStreamsEnded: new Counter({
      name: 'authstack_feed_streams_ended_total',
      help: 'Event streams that have ended, by who or what ended them.',
      labelNames: ['reason'],
      registers,
    }),
    acknowledgements: new Counter({
      name: 'authstack_acknowledgements_total',
      help: 'Acknowledgements of keys by verifiers: stored, or refused because they name another client than their own; left: a verifier said goodbye.',
      labelNames: ['outcome'],
      registers,
    }),
    operatorRequests: new Counter({
      name: 'authstack_operator_requests_total',
      help: 'Requests of the operator by route and outcome (OK or the error code).',
      labelNames: ['route', 'code'],
      registers,
    }),
  };
}

interface ObservedRing {
  readonly active: { readonly kid: string; readonly activatedAt: Millis } | undefined;
  readonly byKid: { readonly size: number };
  readonly held: readonly { readonly kid: string; readonly algorithm: string; readonly phase: string }[];
}

export interface Observed {
  readonly clock: Clock;
  readonly admission: { readonly waiting: number; readonly running: number };
  readonly keys: { readonly current: () => ObservedRing | undefined; readonly problem: string | undefined };
  readonly clients: {
    readonly current: () => { readonly byId: { readonly size: number } } | undefined;
    readonly problem: string | undefined;
  };
  readonly databaseUp: () => boolean;
  readonly feed: { readonly connections: number };
  readonly verifiers: { heardWithin(span: Millis): number };
}

/** So long a verifier that was heard counts as present (decision 86). */
const PRESENT_WITHIN: Millis = 15_000;

/** Gauges that look at the service when they are asked. */
export function observeService({ registry }: Metrics, observed: Observed): void {
  const { clock, admission, keys, clients, databaseUp, feed, verifiers } = observed;
  const registers = [registry];
  new Gauge({
    name: 'authstack_feed_connections',
    help: 'Open event streams of this pod.',
    registers,
    collect() {
      this.set(feed.connections);
    },
  });
  new Gauge({
    name: 'authstack_feed_verifiers',
    help: 'Verifiers that this pod has heard in the last 15 s; each may speak to any pod.',
    registers,
    collect() {
      this.set(verifiers.heardWithin(PRESENT_WITHIN));
    },
  });
  new Gauge({
    name: 'authstack_mongodb_up',
    help: '1 while the database has a primary that this pod can reach.',
    registers,
    collect() {
      this.set(databaseUp() ? 1 : 0);
    },
  });
  new Gauge({
    name: 'authstack_password_hash_queue',
    help: 'Password hashes that wait or run.',
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'waiting' }, admission.waiting);
      this.set({ state: 'running' }, admission.running);
    },
  });
  new Gauge({
    name: 'authstack_signing_key_age_seconds',
    help: 'Age of the key that signs now.',
    labelNames: ['kid'],
    registers,
    collect() {
      this.reset();
      const active = keys.current()?.active;
      if (active) this.set({ kid: active.kid }, (clock.now() - active.activatedAt) / 1000);
    },
  });
  new Gauge({
    name: 'authstack_published_keys',
    help: 'Public keys that this pod publishes.',
    registers,
    collect() {
      this.set(keys.current()?.byKid.size ?? 0);
    },
  });
  new Gauge({
    name: 'authstack_key_ring_behind',
    help: '1 while the mounted key ring is older than what the operator told: the keys in use are those that it told.',
    registers,
    collect() {
      this.set(keys.problem === undefined ? 0 : 1);
    },
  });
  new Gauge({
    name: 'authstack_clients',
    help: 'Services that this pod lets in on the listener for services.',
    registers,
    collect() {
      this.set(clients.current()?.byId.size ?? 0);
    },
  });
  new Gauge({
    name: 'authstack_clients_behind',
    help: '1 while the mounted clients are older than those that the operator told: the clients in use are those that it told.',
    registers,
    collect() {
      this.set(clients.problem === undefined ? 0 : 1);
    },
  });
  new Gauge({
    name: 'authstack_key_ring_keys',
    help: '1 for each key of the ring in its phase; ignored: this version does not know what it is.',
    labelNames: ['kid', 'algorithm', 'phase'],
    registers,
    collect() {
      this.reset();
      for (const { kid, algorithm, phase } of keys.current()?.held ?? []) this.set({ kid, algorithm, phase }, 1);
    },
  });
}
