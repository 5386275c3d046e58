import { opsPaths } from '@authstack/http-service/ops-paths';
import { z } from 'zod';
import { authContract, podStatus } from '../api.ts';
import type { PodStatus } from '../api.ts';
import type { Operation } from '../http/route.ts';

/** For kubelet, Prometheus and operator: plain HTTP on a port that no Ingress leads to. */

export interface OpsPorts {
  readonly status: (missing: readonly string[]) => PodStatus;
}

/** What this service answers there besides what every service answers; see @authstack/http-service/ops-server. */
export function opsDocuments({ status }: OpsPorts): Readonly<Record<string, OpsPorts['status']>> {
  return { [authContract.statusPath]: status };
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
