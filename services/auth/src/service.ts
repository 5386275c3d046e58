import { availableParallelism } from 'node:os';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { PodStatus } from './api.ts';
import { createApp } from './app.ts';
import { pause } from './clock.ts';
import type { Clock, Millis } from './clock.ts';
import type { Settings } from './environment.ts';
import { WatchedFile } from './files/watched-file.ts';
import { createProbes } from './http/probes.ts';
import { parseKeyRing } from './keys/key-ring.ts';
import { createMetrics, observeService } from './metrics/metrics.ts';
import { createDatabase } from './mongo/database.ts';
import { HashQueue } from './passwords/hash-queue.ts';
import { createPasswords } from './passwords/passwords.ts';
import { parseSecrets } from './secrets/secrets.ts';
import type { SessionPorts } from './sessions/grant.ts';
import { createSessionStore } from './sessions/session-store.mongo.ts';
import { createAccessTokens } from './tokens/access-token.ts';
import { keepInitialAdmin } from './users/initial-admin.ts';
import { createUserStore } from './users/user.mongo.ts';

export interface ServicePorts {
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Service {
  /** Where the listeners listen; known once started. */
  readonly ports: { readonly public: number; readonly probes: number };
  /** Listens at once; what is missing for requests is told by /readyz and comes when it comes. */
  start(): Promise<void>;
  /** Unready first, served on for the drain, then everything that was begun is finished. */
  stop(): Promise<void>;
}

/** With this many in line at about 30 hashes a second and core, the last waits about half a second. */
const WAITING_PER_CORE = 16;
const FINISH_WITHIN: Millis = 15_000;

export function createService(settings: Settings, { clock, log }: ServicePorts): Service {
  const metrics = createMetrics();
  const watching = { clock, log, metrics };
  const { files } = settings;
  const ring = new WatchedFile({ name: 'signing-keys', path: files.signingKeys, parse: parseKeyRing }, watching);
  const secrets = new WatchedFile({ name: 'secrets', path: files.secrets, parse: parseSecrets }, watching);
  const uri = new WatchedFile({ name: 'mongodb-uri', path: files.mongodbUri, parse: (text) => text.trim() }, watching);

  const cores = availableParallelism();
  const queue = new HashQueue({ concurrency: cores, waiting: cores * WAITING_PER_CORE });
  const passwords = createPasswords({ queue, secrets: () => secrets.current, metrics });
  const database = createDatabase({ uri: () => uri.current, clock, log });
  const users = createUserStore(database);
  const sessions = createSessionStore(database);
  const session: SessionPorts = {
    users,
    sessions,
    accessTokens: createAccessTokens({ ring: () => ring.current, clock, settings }),
    secrets: () => secrets.current,
    clock,
    settings,
    audit: (event, of) => {
      log.warn({ audit: event, ...of }, 'security event');
    },
  };

  const app = createApp({
    settings,
    log,
    metrics,
    ring: () => ring.current,
    session,
    passwords,
    atomically: (work) => database.transaction(work),
  });
  observeService(metrics, {
    clock,
    hashQueue: queue,
    ring: () => ring.current,
    databaseUp: () => database.up,
  });

  const stopping = new AbortController();
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 75_000 }, app);
  const probes = createProbes({ status, registry: metrics.registry });
  const background: Promise<void>[] = [];

  function status(): PodStatus {
    const { up, problem } = database;
    return { missing: missing(), database: { up, ...(problem !== undefined && { problem }) } };
  }

  function missing(): string[] {
    if (stopping.signal.aborted) return ['draining'];
    // Once reached, the database does not count any more: with it away, keys and pages are still served.
    const reasons = [
      ring.current ? undefined : `signing-keys: ${ring.trouble ?? 'not loaded'}`,
      secrets.current ? undefined : `secrets: ${secrets.trouble ?? 'not loaded'}`,
      uri.current === undefined ? `mongodb-uri: ${uri.trouble ?? 'not loaded'}` : undefined,
      database.ready ? undefined : `mongodb: ${database.problem ?? 'not connected yet'}`,
    ];
    return reasons.filter((reason) => reason !== undefined);
  }

  return {
    get ports() {
      return { public: portOf(server), probes: portOf(probes) };
    },

    async start() {
      await listen(probes, settings.ports.probes);
      await listen(server, settings.ports.public);
      await Promise.all([ring.start(), secrets.start(), uri.start()]);
      background.push(
        database.keepConnected(async () => {
          await users.ensureIndexes();
          await sessions.ensureIndexes();
        }, stopping.signal),
      );
      if (files.initialAdminDir !== undefined) {
        const admin = { users, passwords, clock, log, passwordMinLength: settings.passwordMinLength };
        background.push(keepInitialAdmin(files.initialAdminDir, admin, stopping.signal));
      }
    },

    async stop() {
      stopping.abort();
      await pause(clock, settings.drain, new AbortController().signal);
      const late = clock.after(FINISH_WITHIN, () => {
        server.closeAllConnections();
      });
      await close(server);
      late();
      for (const file of [ring, secrets, uri]) file.stop();
      await Promise.all(background);
      await database.close();
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
