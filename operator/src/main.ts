import { pino } from 'pino';
import { exposeAuthPods } from './auth-pod-metrics.ts';
import { exposeConditions } from './condition-metrics.ts';
import { exposeConsumers } from './consumer-metrics.ts';
import { EnvironmentInvalid, readEnvironment } from './environment.ts';
import type { Settings } from './environment.ts';
import { createOperator } from './operator.ts';
import { createApiClient } from './runtime/client.ts';
import type { ApiClient } from './runtime/client.ts';
import { systemClock, wait } from './runtime/clock.ts';
import { serveHealth } from './runtime/health.ts';
import { messageOf } from './runtime/log.ts';
import { createRuntimeMetrics } from './runtime/metrics.ts';
import { ServerClock } from './runtime/server-clock.ts';
import { exposeSigningKeys } from './signing-key-metrics.ts';

/** The one place that builds clients and reads the environment. */
const settings = settingsOrExit();
const log = pino({ level: settings.logLevel, base: { operator: settings.identity } });
const metrics = createRuntimeMetrics();
const serverClock = new ServerClock(systemClock);
metrics.followServerClock(serverClock);
const connect = (): ApiClient =>
  createApiClient({
    userAgent: 'authstack-operator',
    onAnswer: ({ method, code, host, ...answer }) => {
      serverClock.hear(answer);
      metrics.requests.inc({ code: String(code), method, host });
    },
  });
const client = connect();
const leaseClient = connect();
const operator = createOperator(settings, { client, leaseClient, clock: systemClock, serverClock, log, metrics });
exposeConditions(operator.cluster, metrics.registry);
exposeAuthPods(operator.cluster, metrics.registry);
exposeSigningKeys(operator.cluster, metrics.registry);
exposeConsumers(operator.cluster, metrics.registry);

const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    log.info({ signal }, 'stopping');
    stopping.abort();
  });
}

const probes = await serveHealth({ port: settings.probePort, registry: metrics.registry, health: operator.health });
log.info({ port: probes.port, namespaces: settings.namespaces }, 'started');
try {
  const outcome = await operator.run(stopping.signal);
  // The process ends, so that nothing of a former leader lives on; Kubernetes starts it again.
  if (outcome === 'lost') process.exitCode = 1;
  log.info({ outcome }, 'stopped');
} catch (error) {
  log.fatal({ error: messageOf(error) }, 'the operator ends');
  process.exitCode = 1;
} finally {
  await probes[Symbol.asyncDispose]();
  // A last event may still be on its way.
  await Promise.race([client.close(), wait(systemClock, 1_000)]);
  // Also when a pass ignores its signal: from here on nothing may be written.
  process.exit();
}

function settingsOrExit(): Settings {
  try {
    return readEnvironment(process.env);
  } catch (error) {
    if (!(error instanceof EnvironmentInvalid)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(78);
  }
}
