import { availableParallelism } from 'node:os';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { createHttpService } from '@authstack/http-service/service';
import type { HttpService } from '@authstack/http-service/service';
import type { Logger } from 'pino';
import type { PodStatus } from './api.ts';
import type { Settings } from './environment.ts';
import { WatchedFile } from './files/watched-file.ts';
import { parseKeyRing } from './keys/key-ring.ts';
import { opsDocuments } from './listeners/ops.ts';
import { publicListener } from './listeners/public.ts';
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

/** With this many in line at about 30 hashes a second and core, the last waits about half a second. */
const WAITING_PER_CORE = 16;
const FINISH_WITHIN: Millis = 15_000;

export function createService(settings: Settings, { clock, log }: ServicePorts): HttpService {
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

  const app = publicListener({
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

  function missing(): string[] {
    // Once reached, the database no longer counts: while it is down, keys and pages are still served.
    const reasons = [
      ring.current ? undefined : `signing-keys: ${ring.problem ?? 'not loaded'}`,
      secrets.current ? undefined : `secrets: ${secrets.problem ?? 'not loaded'}`,
      uri.current === undefined ? `mongodb-uri: ${uri.problem ?? 'not loaded'}` : undefined,
      database.ready ? undefined : `mongodb: ${database.problem ?? 'not connected yet'}`,
    ];
    return reasons.filter((reason) => reason !== undefined);
  }

  function status(stillMissing: readonly string[]): PodStatus {
    const { up, problem } = database;
    return { missing: [...stillMissing], database: { up, ...(problem !== undefined && { problem }) } };
  }

  const background: Promise<void>[] = [];
  return createHttpService({
    app,
    ports: settings.ports,
    drain: settings.drain,
    finishWithin: FINISH_WITHIN,
    missing,
    registry: metrics.registry,
    documents: opsDocuments({ status }),
    clock,
    log,

    async start(stopping) {
      await Promise.all([ring.start(), secrets.start(), uri.start()]);
      background.push(
        database.keepConnected(async () => {
          await users.prepare();
          await sessions.ensureIndexes();
        }, stopping),
      );
      if (files.initialAdminDir !== undefined) {
        const admin = { users, passwords, clock, log, passwordMinLength: settings.passwordMinLength };
        background.push(keepInitialAdmin(files.initialAdminDir, admin, stopping));
      }
    },

    async finish() {
      for (const file of [ring, secrets, uri]) file.stop();
      await Promise.all(background);
      await database.close();
    },
  });
}
