import { systemRandom } from '@authstack/http-service/clock';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { createHttpService } from '@authstack/http-service/service';
import type { HttpService } from '@authstack/http-service/service';
import type { Logger } from 'pino';
import { clientsDocument } from './api.ts';
import { credentialOf } from './clients/clients.ts';
import { LoadedClients } from './clients/loaded-clients.ts';
import type { Settings } from './environment.ts';
import { createFeedPositionStore } from './events/feed-position.mongo.ts';
import { Feed } from './events/feed.ts';
import { eventRoutes } from './events/routes.ts';
import { Verifiers } from './events/verifiers.ts';
import { mountedFiles, watchMountedFiles } from './files/mounted-files.ts';
import type { MountedFiles } from './files/mounted-files.ts';
import { operatorListener } from './listeners/operator.ts';
import { opsListener } from './listeners/ops.ts';
import { publicListener } from './listeners/public.ts';
import { servicesListener } from './listeners/services.ts';
import { createMetrics, observeService } from './metrics/metrics.ts';
import { LoadedKeys, keptKeys } from './keys/loaded-keys.ts';
import { WrappingKeys } from './keys/wrapping-keys.ts';
import type { Metrics } from './metrics/metrics.ts';
import { createDatabase } from './mongo/database.ts';
import type { Database } from './mongo/database.ts';
import { Admission, limitsFor } from './passwords/admission.ts';
import { createHashThreads, hashingThreads } from './passwords/hash-threads.ts';
import type { Machine } from './passwords/hash-threads.ts';
import { createPasswords } from './passwords/passwords.ts';
import { clientSessionRoutes } from './sessions/client-routes.ts';
import type { SessionPorts } from './sessions/grant.ts';
import { createSessionStore } from './sessions/session-store.mongo.ts';
import { outcomeOf } from './sessions/sign-in.ts';
import { ClientRenewals } from './throttles/client-renewals.ts';
import { clientAddresses } from './throttles/client-address.ts';
import { createDeviceCookie } from './throttles/device-cookie.ts';
import { createThrottleStore } from './throttles/throttle-store.mongo.ts';
import { createThrottles } from './throttles/throttles.ts';
import { openMemory } from './told/memory.ts';
import { createAccessTokens } from './tokens/access-token.ts';
import { keepInitialAdmin } from './users/initial-admin.ts';
import { keepCountingPeppers } from './users/pepper-use.ts';
import { createUserStore, newUserId } from './users/user.mongo.ts';

export interface ServicePorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly machine: Machine;
}

const FINISH_WITHIN: Millis = 15_000;

export function createService(settings: Settings, { clock, log, machine }: ServicePorts): HttpService {
  const metrics = createMetrics();
  const { toldDir: folder } = settings.files;
  const toldKeys = openMemory({ folder, file: 'told-keys.json', schema: keptKeys, log });
  const toldClients = openMemory({ folder, file: 'told-clients.json', schema: clientsDocument, log });
  const keys = new LoadedKeys({ podName: settings.podName, clock, log, memory: toldKeys });
  const wrappingKeys = new WrappingKeys(settings.files.wrappingKeyDirs, { clock, log });
  const clients = new LoadedClients({ podName: settings.podName, log, memory: toldClients });
  const files = watchMountedFiles(settings.files, {
    ...{ clock, log, metrics, keys, wrappingKeys, clients },
    peppersInUse: () => users.peppersInUse(),
  });
  const { secrets } = files;
  const hashThreads = createHashThreads(hashingThreads(machine));
  const admission = new Admission(limitsFor(hashThreads.count), clock);
  const passwords = createPasswords({ admission, threads: hashThreads, secrets, metrics });
  const database = databaseOf(files, metrics, { clock, log });
  const users = database.store((stores) => stores.users);
  const sessions = database.store((stores) => stores.sessions);
  const throttles = createThrottles({
    store: database.store((stores) => stores.throttles),
    secrets,
    clientOf: clientAddresses(settings.trustedProxies),
    deviceCookie: createDeviceCookie(settings),
    outcomeOf,
    clock,
    log,
    metrics,
  });
  const session: SessionPorts = {
    users,
    sessions,
    accessTokens: createAccessTokens({ keys, clock, settings }),
    secrets,
    settings,
    audit: (event, of) => {
      log.warn({ audit: event, ...of }, 'security event');
    },
  };
  const signUp = { atomically: database.transaction, newUserId };
  const verifiers = new Verifiers({ podName: settings.podName, clock });
  const feed = new Feed({
    position: database.store((stores) => stores.feedPosition),
    ...{ keys, clock, log, random: systemRandom, drain: settings.drain },
    ended: (reason) => {
      metrics.feedStreamsEnded.inc({ reason });
    },
  });
  clients.onChange(({ byId }) => {
    feed.keepOnly((id) => {
      const client = byId.get(id);
      return client && credentialOf(client);
    });
  });
  observeService(metrics, { clock, admission, keys, clients, databaseUp: () => database.up, feed, verifiers });

  const background: Promise<void>[] = [];
  return createHttpService({
    app: publicListener({ settings, clock, log, metrics, ring: keys.current, session, passwords, throttles, signUp }),
    ...opsListener({ files, database, keys, metrics }),
    ...operatorListener(settings.files.operatorTlsDir, {
      ...{ keys, wrappingKeys, clients, verifiers },
      kept: async () => {
        await Promise.all([toldKeys.settled(), toldClients.settled()]);
      },
      counted: (request) => {
        metrics.operatorRequests.inc(request);
      },
    }),
    ...servicesListener({
      ...{ settings, clock, log, metrics, clients },
      routes: [
        ...clientSessionRoutes({ session, settings, metrics, renewals: new ClientRenewals({ log, metrics }) }),
        ...eventRoutes({
          feed,
          verifiers,
          acknowledged: (outcome) => {
            metrics.acknowledgements.inc({ outcome });
          },
        }),
      ],
    }),
    ports: settings.ports,
    drain: settings.drain,
    finishWithin: FINISH_WITHIN,
    clock,
    log,

    async start(stopping) {
      await Promise.all([files.start(), passwords.prepare()]);
      background.push(database.keepConnected(stopping));
      background.push(feed.run(stopping));
      background.push(keepCountingPeppers({ users, secrets, clock, log, metrics }, stopping));
      if (settings.files.initialAdminDir !== undefined) {
        const admin = { users, passwords, clock, log, passwordMinLength: settings.passwordMinLength };
        background.push(keepInitialAdmin(settings.files.initialAdminDir, admin, stopping));
      }
    },

    async finish() {
      files.stop();
      await Promise.all(background);
      await database.close();
      await hashThreads[Symbol.asyncDispose]();
    },
  });
}

/** Every store of the service is named here, once. */
interface Stores {
  readonly users: ReturnType<typeof createUserStore>;
  readonly sessions: ReturnType<typeof createSessionStore>;
  readonly throttles: ReturnType<typeof createThrottleStore>;
  readonly feedPosition: ReturnType<typeof createFeedPositionStore>;
}

function databaseOf(
  { uri }: MountedFiles,
  { fileReloads }: Metrics,
  ports: Pick<ServicePorts, 'clock' | 'log'>,
): Database<Stores> {
  return createDatabase({
    uri,
    stores: (link) => ({
      users: createUserStore(link),
      sessions: createSessionStore(link),
      throttles: createThrottleStore(link),
      feedPosition: createFeedPositionStore(link),
    }),
    async prepare({ users, sessions, throttles, feedPosition }) {
      await users.prepare();
      await sessions.ensureIndexes();
      await throttles.prepare();
      await feedPosition.prepare();
    },
    refused: () => {
      fileReloads.inc({ file: mountedFiles.mongodbUri, outcome: 'refused' });
    },
    ...ports,
  });
}
