import type { RequestListener } from 'node:http';
import type { Logger } from 'pino';
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { pause } from './clock.ts';
import type { Clock, Millis } from './clock.ts';
import { listen } from './listener.ts';
import type { Listener } from './listener.ts';
import { createOperatorServer, OPERATOR_CONNECTIONS } from './operator-server.ts';
import type { OperatorServerDeps } from './operator-server.ts';
import { createOpsServer, OPS_CONNECTIONS } from './ops-server.ts';
import { createPublicServer, createPublicTlsServer } from './public-server.ts';
import { keepTlsFresh } from './tls-files.ts';

export interface HttpServiceOptions {
  readonly app: RequestListener;
  readonly ports: ServicePorts;
  /** How long it is still served after it has turned unready: load balancers take that long to notice. */
  readonly drain: Millis;
  /** How long requests that have begun may take then. */
  readonly finishWithin: Millis;
  /** What the service's own parts miss; that it stops comes on top. */
  readonly missing: () => readonly string[];
  readonly registry: Registry;
  /** JSON documents for the operator, by path; each is given what is missing. */
  readonly documents?: Readonly<Record<string, (missing: readonly string[]) => unknown>>;
  /** A listener for the operator alone; its certificates are read again whenever they change. */
  readonly operator?: { readonly tlsDir: string } & Pick<OperatorServerDeps, 'routes' | 'problemOf'>;
  /** A listener for other services, under TLS; drained as the public one is. `keptFor`: their idle connections. */
  readonly services?: { readonly tlsDir: string; readonly app: RequestListener; readonly keptFor: Millis };
  /** Starts what is no listener; the listeners listen by then. The signal is the begin of the end. */
  readonly start?: (stopping: AbortSignal) => Promise<void>;
  /** Ends it, after the last request, within FINISH_PARTS_WITHIN. */
  readonly finish: () => Promise<void> | void;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface ServicePorts {
  readonly public: number;
  readonly ops: number;
  /** Where there is a listener for the operator. */
  readonly operator?: number;
  /** Where there is a listener for other services. */
  readonly services?: number;
}

interface Listeners {
  readonly public: Listener;
  readonly ops: Listener;
  readonly operator?: Listener;
  readonly services?: Listener;
}

export interface HttpService {
  /** Where the listeners listen; known once started. */
  readonly ports: ServicePorts;
  /** The longest that `stop` may take. */
  readonly stopsWithin: Millis;
  /** Listens at once; what requests miss is said by /readyz and comes when it comes. */
  start(): Promise<void>;
  /** Unready first, served on for the drain, then everything that was begun is finished. */
  stop(): Promise<void>;
}

const FINISH_PARTS_WITHIN: Millis = 5_000;
const PROBE_WITHIN: Millis = 1_000;

/**
 * ```
 * start ── ops and operator listen ── services and public listen ── start() … /readyz 200
 * stop ─── /readyz 503, served with `Connection: close` ── drain ── begun requests end ── finish() ── the others close
 * ```
 */
export function createHttpService(options: HttpServiceOptions): HttpService {
  const { app, drain, finishWithin: within, documents = {}, registry, clock, log } = options;
  const stopping = new AbortController();
  const missing = (): readonly string[] => (stopping.signal.aborted ? ['draining'] : options.missing());
  const server = createPublicServer(app);
  const opsServer = createOpsServer({
    missing,
    metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    documents: Object.fromEntries(
      Object.entries(documents).map(([path, document]) => [path, () => document(missing())]),
    ),
    log,
  });
  let open: Listeners | undefined;
  countConnections(registry, () => (open ? publicOnes(open) : {}));

  return {
    stopsWithin: drain + within + FINISH_PARTS_WITHIN + PROBE_WITHIN,

    get ports() {
      if (!open) throw new Error('the ports of a service are known once it is started');
      const {
        public: { port },
        ops,
        operator,
        services,
      } = open;
      return {
        ...{ public: port, ops: ops.port },
        ...(operator && { operator: operator.port }),
        ...(services && { services: services.port }),
      };
    },

    async start() {
      const ops = await listen(opsServer, { port: options.ports.ops, atMost: OPS_CONNECTIONS });
      const operator = await listenToOperator(options, stopping.signal);
      const services = await listenToServices(options, stopping.signal);
      open = { ops, ...operator, ...services, public: await listen(server, { port: options.ports.public }) };
      await options.start?.(stopping.signal);
    },

    async stop() {
      stopping.abort();
      const drained = open ? Object.values(publicOnes(open)) : [];
      for (const listener of drained) listener.drain();
      await pause(clock, drain);
      await Promise.all(drained.map((listener) => listener.close({ clock, within })));
      await options.finish();
      const last = { clock, within: PROBE_WITHIN };
      await Promise.all([open?.ops.close(last), open?.operator?.close(last)]);
    },
  };
}

async function listenToOperator(
  { operator, ports, clock, log }: HttpServiceOptions,
  stopping: AbortSignal,
): Promise<{ readonly operator?: Listener }> {
  if (!operator) return {};
  const { tlsDir: directory, ...does } = operator;
  const server = createOperatorServer({ ...does, clock, log });
  await keepTlsFresh({ directory, server, pause: pausing(clock), log }, stopping);
  return { operator: await listen(server, { port: ports.operator ?? 0, atMost: OPERATOR_CONNECTIONS }) };
}

async function listenToServices(
  { services, ports, clock, log }: HttpServiceOptions,
  stopping: AbortSignal,
): Promise<{ readonly services?: Listener }> {
  if (!services) return {};
  const server = createPublicTlsServer(services.app, services);
  await keepTlsFresh({ directory: services.tlsDir, server, pause: pausing(clock), log }, stopping);
  return { services: await listen(server, { port: ports.services ?? 0 }) };
}

function pausing(clock: Clock): (delay: Millis, signal: AbortSignal) => Promise<void> {
  return (delay, signal) => pause(clock, delay, signal);
}

/** Those whose clients are many, and are answered what they have asked before they are left. */
function publicOnes({ public: first, services }: Listeners): Readonly<Record<string, Listener>> {
  return { public: first, ...(services && { services }) };
}

function countConnections(registry: Registry, listeners: () => Readonly<Record<string, Listener>>): void {
  const registers = [registry];
  new Gauge({
    name: 'http_connections',
    help: 'Open connections of a listener: public, or services.',
    labelNames: ['listener'],
    registers,
    collect() {
      for (const [listener, { connections }] of Object.entries(listeners())) this.set({ listener }, connections.size);
    },
  });
  new Counter({
    name: 'http_connections_ended_for_room_total',
    help: 'Connections that were ended because there were too many: those that had kept the service waiting for longest.',
    labelNames: ['listener'],
    registers,
    collect() {
      this.reset();
      for (const [listener, { connections }] of Object.entries(listeners())) {
        this.inc({ listener }, connections.endedForRoom);
      }
    },
  });
}
