import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiClient } from '../operator/src/runtime/client.ts';
import { startApiServer } from '../test/support/api-server.ts';
import { bundled } from './image.ts';
import { changeToApplied, distribution, idle, timeToConverge, untilQuiet } from './operator/measures.ts';
import type { Setting } from './operator/measures.ts';
import { accountOfOperator, startOperator } from './operator/operator-process.ts';
import type { OperatorProcessOptions } from './operator/operator-process.ts';
import { parameters } from './operator/parameters.ts';
import { Report, quantile, seconds } from './report.ts';
import { createForeignSecrets, createStacks, stackRef } from './operator/seed.ts';
import { startSpectator } from './operator/spectator.ts';

/** `make bench-operator`: the operator of the image against a real API server that has much else to keep. */
const report = new Report('operator');

const folder = await mkdtemp(join(tmpdir(), 'bench-'));
const api = await startApiServer({ crds: true });
const client = createApiClient({ userAgent: 'bench', kubeconfig: api.kubeconfig });
try {
  const options = await prepare();
  await measureStarts(options);
  await using operator = await startOperator(options);
  await using spectator = await startSpectator(client);
  await measureSizes({ client, spectator, operator });
  await write();
} finally {
  await client.close();
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}

async function prepare(): Promise<OperatorProcessOptions> {
  const image = await bundled('operator', { folder });
  const { size } = await stat(join(folder, 'app/main.js'));
  report.add({ what: 'bundle', measured: `${(size / 2 ** 20).toFixed(1)} MiB` });
  const started = performance.now();
  await createForeignSecrets(client, parameters.foreignSecrets);
  report.add({
    what: `${parameters.foreignSecrets} foreign Secrets made (not by the operator)`,
    measured: seconds(performance.now() - started),
  });
  await createStacks(client, { from: 0, to: 1 });
  const { kubeconfig } = await accountOfOperator(api);
  return { image, kubeconfig, log: join(folder, 'operator.log') };
}

async function measureStarts(options: OperatorProcessOptions): Promise<void> {
  const took: number[] = [];
  for (let turn = 0; turn < parameters.starts; turn++) {
    await using operator = await startOperator(options);
    took.push(operator.firstReconcileAfter);
  }
  report.add({
    what: `process start to first reconcile, median of ${took.length}`,
    measured: `${seconds(quantile(took, 0.5))} (slowest ${seconds(Math.max(...took))})`,
    budget: '< 3 s',
    kept: quantile(took, 0.5) < 3_000,
  });
}

async function measureSizes(setting: Setting): Promise<void> {
  await untilQuiet(setting);
  const expected = setting.spectator.madeFor(stackRef(0));
  console.log(`          objects of a stack up to the first wait on an agent: ${expected.join(', ')}`);
  let from = 1;
  for (const [index, stacks] of parameters.stacks.entries()) {
    const converged = await timeToConverge(setting, { from, to: stacks }, expected);
    const made = (stacks - from) * expected.length;
    report.add({
      what: `${stacks} stacks: time to converge ${stacks - from} new ones`,
      measured: `${seconds(converged)} (${Math.round(made / (converged / 1000))} objects/s)`,
    });
    from = stacks;
    await measureIdle(setting, stacks);
    await measureChanges(setting, stacks);
    if (index === 0) await measureConsumers(setting);
  }
}

async function measureIdle(setting: Setting, stacks: number): Promise<void> {
  const seen = await idle(setting, parameters.idleSeconds);
  const hundreds = stacks / 100;
  report.add({
    what: `${stacks} stacks, idle: requests`,
    measured: `${seen.requestsPerSecond.toFixed(2)}/s (${seen.passesPerSecond.toFixed(1)} passes/s)`,
    budget: `≤ ${Math.max(1, hundreds)}/s`,
    kept: seen.requestsPerSecond <= Math.max(1, hundreds),
  });
  report.add({
    what: `${stacks} stacks, idle: writes`,
    measured: `${seen.writesPerSecond.toFixed(2)}/s${seen.stalled === 0 ? '' : `, of them ${seen.stalled} stacks that report once that they are stalled`}`,
    budget: 'the lease, every 2 s',
    kept: seen.writesPerSecond - seen.stalled / parameters.idleSeconds <= 0.55,
  });
  report.add({
    what: `${stacks} stacks, idle: CPU of one core`,
    measured: `${seen.cpuPercent.toFixed(1)} %`,
  });
  report.add({
    what: `${stacks} stacks: memory (RSS)`,
    measured: `${Math.round(seen.residentMiB)} MiB (peak ${Math.round(seen.peakMiB)} MiB)`,
    ...(stacks <= 100 && { budget: '≤ 128 MiB', kept: seen.residentMiB <= 128 }),
  });
}

async function measureChanges(setting: Setting, stacks: number): Promise<void> {
  const { changes } = parameters;
  const took = await changeToApplied(setting, { stacks, changes });
  report.add({
    what: `${stacks} stacks: change of an AuthStack to applied, ${changes} changes, p50 / p99`,
    measured: `${seconds(quantile(took, 0.5))} / ${seconds(quantile(took, 0.99))}`,
    ...(stacks <= 200 && { budget: 'p99 ≤ 5 s', kept: quantile(took, 0.99) <= 5_000 }),
  });
}

async function measureConsumers(setting: Setting): Promise<void> {
  let from = 0;
  for (const [index, to] of parameters.consumers.entries()) {
    const algorithm = index % 2 === 0 ? 'RS256' : 'ES256';
    const took = await distribution(setting, { from, to }, algorithm);
    report.add({ what: `${to} consumer namespaces: ${to - from} new copies made`, measured: seconds(took.copied) });
    const budget = to <= 10 ? 2_000 : 10_000;
    report.add({
      what: `${to} consumer namespaces: a new key in every copy, since it was asked for (since it was published)`,
      measured: `${seconds(took.keyVisible)} (${seconds(took.keyCopied)})`,
      budget: `≤ ${budget / 1_000} s`,
      kept: took.keyVisible <= budget,
    });
    from = to;
  }
}

async function write(): Promise<void> {
  await report.write({
    title: 'The operator',
    about: [
      '`make bench-operator` writes this page. The operator of the image, as a process of its own, against a real',
      'kube-apiserver and etcd on the same machine; no kubelet and no controllers, so each stack stands where it first waits',
      'for an agent.',
    ],
    parameters,
  });
}
