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
import { createPublicServer } from './public-server.ts';
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
 * start ── ops and operator listen ── public listens ── start() … /readyz 200
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
  let open: { readonly public: Listener; readonly ops: Listener; readonly operator?: Listener } | undefined;
  countConnections(registry, () => open?.public);

  return {
    stopsWithin: drain + within + FINISH_PARTS_WITHIN + PROBE_WITHIN,

    get ports() {
      if (!open) throw new Error('the ports of a service are known once it is started');
      const {
        public: { port },
        ops,
        operator,
      } = open;
      return { public: port, ops: ops.port, ...(operator && { operator: operator.port }) };
    },

    async start() {
      const ops = await listen(opsServer, { port: options.ports.ops, atMost: OPS_CONNECTIONS });
      const operator = await listenToOperator(options, stopping.signal);
      open = { ops, ...operator, public: await listen(server, { port: options.ports.public }) };
      await options.start?.(stopping.signal);
    },

    async stop() {
      stopping.abort();
      open?.public.drain();
      await pause(clock, drain);
      await open?.public.close({ clock, within });
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
  await keepTlsFresh({ directory, server, pause: (delay, signal) => pause(clock, delay, signal), log }, stopping);
  return { operator: await listen(server, { port: ports.operator ?? 0, atMost: OPERATOR_CONNECTIONS }) };
}

function countConnections(registry: Registry, listener: () => Listener | undefined): void {
  const registers = [registry];
  new Gauge({
    name: 'http_connections',
    help: 'Open connections of the public listener.',
    registers,
    collect() {
      this.set(listener()?.connections.size ?? 0);
    },
  });
  new Counter({
    name: 'http_connections_ended_for_room_total',
    help: 'Connections that were ended because there were too many: those that had kept the service waiting for longest.',
    registers,
    collect() {
      this.reset();
      this.inc(listener()?.connections.endedForRoom ?? 0);
    },
  });
}
