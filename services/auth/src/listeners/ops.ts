import { opsPaths } from '@authstack/http-service/ops-paths';
import type { HttpServiceOptions } from '@authstack/http-service/service';
import { z } from 'zod';
import { authContract, podStatus } from '../api.ts';
import type { PodStatus } from '../api.ts';
import { mountedFiles } from '../files/mounted-files.ts';
import type { MountedFiles } from '../files/mounted-files.ts';
import type { Operation } from '../http/route.ts';
import type { LoadedKeys } from '../keys/loaded-keys.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { Database } from '../mongo/database.ts';

/** For kubelet, Prometheus and operator: plain HTTP on a port that no Ingress leads to. */

export interface OpsListenerPorts {
  readonly files: Pick<MountedFiles, 'missing' | 'keysProblem' | 'clientsProblem'>;
  readonly database: Pick<Database<unknown>, 'ready' | 'up' | 'problem'>;
  readonly keys: Pick<LoadedKeys, 'problem' | 'missing'>;
  readonly metrics: Metrics;
}

/** What this service answers there; the rest is the same in every service: @authstack/http-service/ops-server. */
export function opsListener({
  files,
  database,
  keys,
  metrics,
}: OpsListenerPorts): Pick<HttpServiceOptions, 'missing' | 'registry' | 'documents'> {
  return {
    // Once reached, the database no longer counts: while it is down, keys and pages are still served.
    missing: () => [
      ...files.missing(),
      ...(keys.missing === undefined ? [] : [`${mountedFiles.signingKeys}: ${keys.missing}`]),
      ...(database.ready ? [] : [`mongodb: ${database.problem ?? 'not connected yet'}`]),
    ],
    registry: metrics.registry,
    documents: { [authContract.statusPath]: (missing) => podStatusOf(missing, { database, keys, files }) },
  };
}

function podStatusOf(
  missing: readonly string[],
  { database: { up, problem }, keys, files }: Pick<OpsListenerPorts, 'database' | 'keys' | 'files'>,
): PodStatus {
  const { clientsProblem } = files;
  const keysProblem = keys.problem ?? files.keysProblem;
  return {
    missing: [...missing],
    database: { up, ...(problem !== undefined && { problem }) },
    keys: { ...(keysProblem !== undefined && { problem: keysProblem }) },
    clients: { ...(clientsProblem !== undefined && { problem: clientsProblem }) },
  };
}

const ops = { access: 'ops', method: 'get', problems: [] } as const;

/** Every operation of the listener. */
export const opsOperations: readonly Operation<'ops'>[] = [
  { ...ops, path: opsPaths.alive, summary: 'The process lives', reply: { status: 200 } },
  {
    ...ops,
    path: opsPaths.ready,
    summary: 'Requests may come; else 503 and a line for each reason',
    reply: { status: 200 },
  },
  { ...ops, path: opsPaths.metrics, summary: 'Metrics for Prometheus', reply: { status: 200, schema: z.string() } },
  { ...ops, path: authContract.statusPath, summary: 'For the operator', reply: { status: 200, schema: podStatus } },
];
