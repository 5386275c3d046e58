import { join } from 'node:path';
import type { ApiServer } from './api-server.ts';
import { renderChart } from './chart.ts';
import type { Release, Rendered } from './chart.ts';
import { freePort } from './free-port.ts';
import { startServer } from './processes.ts';
import type { Server } from './processes.ts';

const main = join(import.meta.dirname, '../../operator/src/main.ts');

export interface InstalledChart {
  /** Everything that the release consists of. */
  readonly chart: readonly Rendered[];
  /** As the API server and the audit log call the operator's account. */
  readonly user: string;
  /** Path of a kubeconfig that acts as its account. */
  readonly kubeconfig: string;
  /** What the operator's container is given. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Installs the chart into an API server, whose namespaces must be there. Nothing runs. */
export async function installChart(api: ApiServer, release: Release): Promise<InstalledChart> {
  const { namespace } = release;
  const chart = await renderChart(release);
  const objects = chart.map(({ object }) => object);
  const isCrd = ({ kind }: { readonly kind: string }): boolean => kind === 'CustomResourceDefinition';
  await applyTo(api, objects.filter(isCrd));
  await api.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  await applyTo(
    api,
    objects.filter((object) => !isCrd(object)),
  );
  const deployment = objects.find(({ kind }) => kind === 'Deployment') as unknown as OperatorDeployment;
  const account = deployment.spec.template.spec.serviceAccountName;
  return {
    chart,
    user: `system:serviceaccount:${namespace}:${account}`,
    kubeconfig: await api.kubeconfigOf(namespace, account),
    environment: { ...environmentIn(deployment), POD_NAMESPACE: namespace },
  };
}

export interface InstallOptions {
  readonly release: Release;
  /** File that gets the operator's log. */
  readonly log: string;
}

/** The operator as the chart runs it: its account with its rights, its environment, its process. */
export interface InstalledOperator extends InstalledChart, AsyncDisposable {
  /** Ends the process as Kubernetes does; what was installed stays. */
  stop(): Promise<void>;
}

/** Installs the chart and starts the operator. */
export async function installOperator(api: ApiServer, { release, log }: InstallOptions): Promise<InstalledOperator> {
  const installed = await installChart(api, release);
  const { environment, kubeconfig } = installed;
  const server = await start({ ...environment, KUBECONFIG: kubeconfig }, log);
  return {
    ...installed,
    stop: () => server.kill('SIGTERM'),
    [Symbol.asyncDispose]: () => server.kill('SIGKILL'),
  };
}

export async function applyTo(api: ApiServer, items: readonly object[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items };
  await api.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(list));
}

interface Variable {
  readonly name: string;
  readonly value?: string;
}

interface OperatorDeployment {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly serviceAccountName: string;
        readonly containers: readonly { readonly env: Variable[] }[];
      };
    };
  };
}

/** What the chart's Deployment sets; the pod's own name comes from the downward API there. */
function environmentIn({ spec }: OperatorDeployment): Record<string, string> {
  const variables = spec.template.spec.containers.flatMap(({ env }) => env);
  return { ...Object.fromEntries(variables.map(({ name, value }) => [name, value ?? ''])), POD_NAME: 'operator-1' };
}

async function start(environment: Readonly<Record<string, string>>, log: string): Promise<Server> {
  const port = String(await freePort());
  const given = {
    ...environment,
    PATH: process.env['PATH'] ?? '',
    AUTHSTACK_PROBE_PORT: port,
    AUTHSTACK_LOG_LEVEL: 'debug',
  };
  const variables = Object.entries(given).map(([name, value]) => `${name}=${value}`);
  const answers = async (): Promise<void> => {
    const { ok, status } = await fetch(`http://127.0.0.1:${port}/readyz`);
    if (!ok) throw new Error(`readyz answers ${status}`);
  };
  const args = ['-i', ...variables, process.execPath, '--conditions=authstack-source', main];
  return startServer('env', args, { log, answers });
}
