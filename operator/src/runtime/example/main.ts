import { createApiClient } from '../client.ts';
import { systemClock } from '../clock.ts';
import { configMapKind } from '../core-kinds.ts';
import { serveHealth } from '../health.ts';
import { silent } from '../log.ts';
import { createManager } from '../manager.ts';
import { toOwner } from '../mapping.ts';
import { createRuntimeMetrics } from '../metrics.ts';
import { createGreeter, greetingKind } from './greeting.ts';

const client = createApiClient({ userAgent: 'greeter' });
const metrics = createRuntimeMetrics();
const manager = createManager({
  client,
  clock: systemClock,
  log: silent, // pino() fits
  metrics,
  fieldManager: 'greeter',
  hashAnnotation: 'example.com/applied-hash',
  identity: process.env['POD_NAME'] ?? 'greeter',
  leaderElection: { namespace: 'default', name: 'greeter' },
});
manager.watch(greetingKind);
manager.watch(configMapKind, { labelSelector: 'app.kubernetes.io/managed-by=greeter' });
manager.control({
  name: 'greeting',
  kind: greetingKind,
  reconciler: createGreeter(manager.cluster),
  finalizer: 'example.com/greeter',
  conditionTypes: ['Ready'],
  mappings: [toOwner(configMapKind, greetingKind)],
});

const stopping = new AbortController();
process.once('SIGTERM', () => {
  stopping.abort();
});
await using _probes = await serveHealth({
  port: Number(process.env['PORT'] ?? 8080),
  registry: metrics.registry,
  health: manager.health,
});
const outcome = await manager.run(stopping.signal);
process.exit(outcome === 'finished' ? 0 : 1);
