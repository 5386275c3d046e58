import { readEnvironment } from '../environment.ts';
import { createOperator } from '../operator.ts';
import { createApiClient } from '../runtime/client.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Clock } from '../runtime/clock.ts';
import { serveHealth } from '../runtime/health.ts';
import { silent } from '../runtime/log.ts';
import { createRuntimeMetrics } from '../runtime/metrics.ts';

/** How many seconds pass in one. */
const HURRY = 20;

const clock: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic() * HURRY,
  after: (delay, callback) => systemClock.after(delay / HURRY, callback),
  random: () => systemClock.random(),
};

/** The operator as a process of its own, whose minutes are seconds. */
// No lease: one that lasts less than a second is lost on a busy machine.
const { leaderElection: _, ...settings } = readEnvironment(process.env);
const metrics = createRuntimeMetrics();
const client = createApiClient({ userAgent: 'authstack-operator', clock });
const operator = createOperator(settings, { client, clock, log: silent, metrics });
await serveHealth({ port: settings.probePort, registry: metrics.registry, health: operator.health });
await operator.run(new AbortController().signal);
