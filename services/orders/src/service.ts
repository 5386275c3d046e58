import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createVerifier } from '@authstack/verify';
import type { Logger } from 'pino';
import { createApp } from './app.ts';
import type { Clock, Millis } from './clock.ts';
import type { Settings } from './environment.ts';
import { createProbes } from './http/probes.ts';
import { logEvent } from './log.ts';
import { createMetrics } from './metrics.ts';
import type { Ticket } from './orders/catalogue.ts';
import { openOrderStore } from './orders/order-store.sqlite.ts';

export interface ServicePorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly catalogue: readonly Ticket[];
}

export interface Service {
  /** Where the listeners listen; known once started. */
  readonly ports: { readonly public: number; readonly probes: number };
  start(): Promise<void>;
  /** Unready first, served on for the drain, then everything that was begun is finished. */
  stop(): Promise<void>;
}

const FINISH_WITHIN: Millis = 10_000;

export function createService(settings: Settings, { clock, log, catalogue }: ServicePorts): Service {
  const metrics = createMetrics();
  const store = openOrderStore(settings.database);
  const verifier = createVerifier({
    directory: settings.authDir,
    clockSkewSeconds: settings.clockSkewSeconds,
    clock,
    report(event) {
      metrics.count(event);
      logEvent(log, event);
    },
  });
  const app = createApp({ verifier, log, metrics, catalogue, store, now: () => clock.now(), newId: randomUUID });
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 75_000 }, app);
  const probes = createProbes({ missing, registry: metrics.registry });
  let isStopping = false;

  /** Nothing is sold until it can be told to whom. */
  function missing(): readonly string[] {
    if (isStopping) return ['draining'];
    const { status } = verifier;
    return status.state === 'ready' ? [] : [`auth: ${status.reason}`];
  }

  return {
    get ports() {
      return { public: portOf(server), probes: portOf(probes) };
    },

    async start() {
      await listen(probes, settings.ports.probes);
      await listen(server, settings.ports.public);
    },

    async stop() {
      isStopping = true;
      await new Promise<void>((resolve) => {
        clock.after(settings.drain, resolve);
      });
      const late = clock.after(FINISH_WITHIN, () => {
        server.closeAllConnections();
      });
      await close(server);
      late();
      verifier.close();
      store.close();
      probes.closeAllConnections();
      await close(probes);
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Lets requests finish; connections without one are closed. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeIdleConnections();
  });
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
