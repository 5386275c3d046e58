import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiServer } from './api-server.ts';
import { startServer } from './processes.ts';
import { tool } from './tools.ts';

export type ControllerName =
  | 'statefulset-controller'
  | 'deployment-controller'
  | 'replicaset-controller'
  | 'garbage-collector-controller'
  | 'namespace-controller'
  | 'serviceaccount-controller'
  | 'persistentvolumeclaim-protection-controller';

/** Kubernetes' own controllers, the real ones, for one API server. Still no kubelet: pods are made, and wait. */
export async function startControllers(api: ApiServer, names: readonly ControllerName[]): Promise<AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'controllers-'));
  const args = [
    ['--kubeconfig', api.kubeconfig],
    // Its account is made by one of them, so one that is there tells that they work.
    ['--controllers', [...new Set([...names, 'serviceaccount-controller'])].join(',')],
    ['--leader-elect=false', '--secure-port=0'],
    // What is quick to test is not to wait for a budget.
    ['--kube-api-qps=500', '--kube-api-burst=500'],
  ].flat();
  const answers = () => api.kubectl(['-n', 'default', 'get', 'serviceaccount', 'default']);
  const log = join(folder, 'controllers.log');
  const server = await startServer(await tool('kube-controller-manager'), args, { log, answers });
  return {
    async [Symbol.asyncDispose]() {
      await server.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
