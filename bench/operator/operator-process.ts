import { readFile } from 'node:fs/promises';
import type { ApiServer } from '../../test/support/api-server.ts';
import { freePort } from '../../test/support/free-port.ts';
import { startServer } from '../../test/support/processes.ts';
import type { Image } from '../image.ts';

/** The bundle of the image, as a process of its own. */
export interface OperatorProcess extends AsyncDisposable {
  /** From the start of the process until it had looked at an object for the first time. */
  readonly firstReconcileAfter: number;
  usage(): Promise<Usage>;
}

export interface Usage {
  readonly residentMiB: number;
  readonly peakMiB: number;
  readonly cpuSeconds: number;
  /** Answered so far, by method. */
  readonly requests: Readonly<Record<string, number>>;
  readonly passes: number;
}

export interface OperatorProcessOptions {
  readonly image: Image;
  readonly kubeconfig: string;
  readonly log: string;
}

export async function startOperator({ image, kubeconfig, log }: OperatorProcessOptions): Promise<OperatorProcess> {
  const port = await freePort();
  const variables = {
    PATH: process.env['PATH'] ?? '',
    ...image.environment,
    KUBECONFIG: kubeconfig,
    POD_NAME: 'operator-1',
    POD_NAMESPACE: 'default',
    AUTHSTACK_LEASE: 'operator',
    AUTHSTACK_PROBE_PORT: String(port),
    AUTHSTACK_AUTH_IMAGE: 'auth',
    AUTHSTACK_AGENT_IMAGE: 'agent',
    AUTHSTACK_MONGODB_IMAGES: '{"8.0":"mongo"}',
    AUTHSTACK_MONGODB_DEFAULT_VERSION: '8.0',
  };
  const given = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const scrape = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const answers = async (): Promise<void> => {
    if (totalOf(await scrape(), 'controller_runtime_reconcile_total') === 0) throw new Error('nothing reconciled yet');
  };
  const begun = performance.now();
  const args = ['-i', ...given, ...image.command];
  const server = await startServer('env', args, { log, answers });
  const firstReconcileAfter = performance.now() - begun;
  return {
    firstReconcileAfter,
    usage: async () => ({ ...(await processUsage(server.pid)), ...requestsIn(await scrape()) }),
    [Symbol.asyncDispose]: () => server.kill(),
  };
}

/** An account like any other: API Priority and Fairness exempts administrators. */
export async function accountOfOperator(
  server: ApiServer,
): Promise<{ readonly kubeconfig: string; readonly user: string }> {
  await server.kubectl(['-n', 'default', 'create', 'serviceaccount', 'operator']);
  const bound = ['--clusterrole=cluster-admin', '--serviceaccount=default:operator'];
  await server.kubectl(['create', 'clusterrolebinding', 'operator', ...bound]);
  return {
    kubeconfig: await server.kubeconfigOf('default', 'operator'),
    user: 'system:serviceaccount:default:operator',
  };
}

export type ProcessUsage = Pick<Usage, 'residentMiB' | 'peakMiB' | 'cpuSeconds'>;

export async function processUsage(pid: number): Promise<ProcessUsage> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kiB = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  // proc(5): utime and stime are the 14th and 15th field; the 2nd, in parentheses, may hold blanks.
  const stat = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
  const ticks = Number(stat[11]) + Number(stat[12]);
  return { residentMiB: kiB('VmRSS') / 1024, peakMiB: kiB('VmHWM') / 1024, cpuSeconds: ticks / 100 };
}

function requestsIn(metrics: string): Pick<Usage, 'requests' | 'passes'> {
  const requests: Record<string, number> = {};
  for (const [, labels = '', value] of metrics.matchAll(/^rest_client_requests_total\{(.*)\} (\d+)$/gm)) {
    const method = /method="(\w+)"/.exec(labels)?.[1] ?? '';
    requests[method] = (requests[method] ?? 0) + Number(value);
  }
  return { requests, passes: totalOf(metrics, 'controller_runtime_reconcile_total') };
}

function totalOf(metrics: string, name: string): number {
  const values = [...metrics.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'gm'))];
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}
