import { join } from 'node:path';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { installChart } from '../../../test/support/installed-operator.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { startServer } from '../../../test/support/processes.ts';
import type { Server } from '../../../test/support/processes.ts';

const SYSTEM = 'authstack-system';

export interface HurriedOperator {
  readonly server: Server;
  /** As the API server and the audit log call its account. */
  readonly user: string;
  /** In Prometheus' text format. */
  metrics(): Promise<string>;
}

export interface HurriedOptions {
  /** Gets its log. */
  readonly folder: string;
  /** Of Node. */
  readonly flags?: readonly string[];
}

/** Installs the chart, makes namespace `auth`, and starts the operator whose minutes are three seconds. */
export async function startHurriedOperator(
  api: ApiServer,
  { folder, flags = [] }: HurriedOptions,
): Promise<HurriedOperator> {
  for (const namespace of [SYSTEM, 'auth']) await api.kubectl(['create', 'namespace', namespace]);
  // Made by a controller elsewhere; no pod is admitted without.
  await api.kubectl(['-n', 'auth', 'create', 'serviceaccount', 'default']);
  const { environment, kubeconfig, user } = await installChart(api, { name: 'auth-stack', namespace: SYSTEM });
  const port = await freePort();
  const given = {
    ...environment,
    PATH: process.env['PATH'] ?? '',
    KUBECONFIG: kubeconfig,
    AUTHSTACK_PROBE_PORT: String(port),
  };
  const variables = Object.entries(given).map(([name, value]) => `${name}=${value}`);
  const main = join(import.meta.dirname, 'hurried-operator.ts');
  const answers = async (): Promise<void> => {
    const { ok, status } = await fetch(`http://127.0.0.1:${port}/readyz`);
    if (!ok) throw new Error(`readyz answers ${status}`);
  };
  const args = ['-i', ...variables, process.execPath, '--conditions=authstack-source', ...flags, main];
  const server = await startServer('env', args, { log: join(folder, 'operator.log'), answers });
  const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return { server, user, metrics };
}
