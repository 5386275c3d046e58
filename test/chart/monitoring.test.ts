import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse, stringify } from 'yaml';
import { run } from '../../cluster/process.ts';
import { labelsOf } from '../../operator/src/api/names.ts';
import type { Component } from '../../operator/src/api/names.ts';
import { exposeAuthPods } from '../../operator/src/auth-pod-metrics.ts';
import { exposeConditions } from '../../operator/src/condition-metrics.ts';
import { exposeConsumers } from '../../operator/src/consumer-metrics.ts';
import { createRuntimeMetrics } from '../../operator/src/runtime/metrics.ts';
import { exposeSigningKeys } from '../../operator/src/signing-key-metrics.ts';
import { createMetrics, observeService } from '../../services/auth/src/metrics/metrics.ts';
import { startPod } from '../../services/mongodb-agent/src/testing/pod.ts';
import { chartFolder, renderChart } from '../support/chart.ts';
import { tool } from '../support/tools.ts';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
interface Rules {
  readonly groups: readonly { readonly rules: readonly Alert[] }[];
}
interface Situations {
  readonly tests: readonly {
    readonly promql_expr_test: readonly { readonly exp_samples: readonly { readonly labels: string }[] }[];
  }[];
}
interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

const situationsFile = join(import.meta.dirname, 'alerts.yaml');
const rulesFile = join(chartFolder, 'monitoring/rules.yaml');
const read = (path: string): Promise<string> => readFile(path, 'utf8');

const rules = parse(await read(rulesFile)) as Rules;
const alerts = rules.groups.flatMap((group) => group.rules);
const situations = parse(await read(situationsFile)) as Situations;
const dashboard = JSON.parse(await read(join(chartFolder, 'monitoring/dashboard.json'))) as Dashboard;
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** The labels of each alert, as promtool has seen it fire. */
const fired = situations.tests
  .flatMap(({ promql_expr_test: expectations }) => expectations.flatMap((expectation) => expectation.exp_samples))
  .map(
    ({ labels }) => new Map([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value])),
  );

const promtool = async (...args: string[]): Promise<string> => run(await tool('promtool'), args);

test('Prometheus takes the rules', async () => {
  const answer = await promtool('check', 'rules', '--lint=all', '--lint-fatal', rulesFile);
  expect(answer).toContain(`SUCCESS: ${alerts.length} rules found`);
});

test('in each situation fires what should, and in a healthy stack nothing', async () => {
  await expect(promtool('test', 'rules', situationsFile)).resolves.toContain('SUCCESS');
});

test.each(alerts)('$alert is tested, has a severity, and has instructions with labels that it has', (alert) => {
  const samples = fired.filter((labels) => labels.get('alertname') === alert.alert);
  const asked = [...JSON.stringify(alert.annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);

  expect(samples.length).toBeGreaterThan(0);
  expect(['critical', 'warning']).toContain(alert.labels['severity']);
  expect(Object.keys(alert.annotations)).toEqual(['summary', 'description']);
  expect(alert.annotations['description']).toMatch(
    /kubectl (-n \{\{ \$labels\.(object_|watch_)?namespace }} )?(get|describe|logs|edit|top) /,
  );
  for (const labels of samples) expect(asked.filter((label) => !labels.has(label))).toEqual([]);
});

test('Prometheus understands every query of the dashboard, whose panels have numbers of their own', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dashboard-'));
  try {
    const asRules = queries.map((expr, index) => ({
      record: `dashboard:query_${index}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, '.*'),
    }));
    const file = join(folder, 'queries.yaml');
    await writeFile(file, stringify({ groups: [{ name: 'dashboard', rules: asRules }] }));
    await expect(promtool('check', 'rules', file)).resolves.toContain(`SUCCESS: ${queries.length} rules found`);
  } finally {
    await rm(folder, { recursive: true });
  }
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('every metric that rules and dashboard ask for is exposed by agent, auth service or operator', async () => {
  const asked = [...alerts.map(({ expr }) => expr), ...queries].flatMap(metricsIn);
  const exposed = new Set((await exposedMetrics()).flatMap(seriesOf));

  expect(asked.length).toBeGreaterThan(40);
  expect(asked.filter((name) => name !== 'up' && !exposed.has(name))).toEqual([]);
});

test('the documentation has every alert and every metric of ours', async () => {
  const page = await read(join(chartFolder, '../../docs/monitoring.md'));
  const ours = (await exposedMetrics()).map(({ name }) => name).filter((name) => name.startsWith('authstack_'));

  expect(alerts.map(({ alert }) => alert).filter((alert) => !page.includes(`| \`${alert}\` |`))).toEqual([]);
  expect(ours.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

const release = { name: 'auth-stack', namespace: 'authstack-system' };
const on = { enabled: true };

test('the chart installs rules and dashboard as they were tried', async () => {
  const rendered = await renderChart({ ...release, values: { monitoring: { prometheusRule: on, dashboard: on } } });
  const objects = rendered.map(({ object }) => object as object);

  expect(objects).toContainEqual(expect.objectContaining({ kind: 'PrometheusRule', spec: rules }));
  const [configMap] = objects.filter((object) => 'data' in object) as {
    metadata: object;
    data: Record<string, string>;
  }[];
  expect(configMap?.metadata).toMatchObject({ labels: { grafana_dashboard: '1' } });
  expect(JSON.parse(configMap?.data['auth-stack.json'] ?? '')).toEqual(dashboard);
});

test.each<[Component, boolean]>([
  ['mongodb', true],
  ['auth', true],
  ['signing-keys', false],
  ['consumer', false],
])('what is labelled %s is scraped: %s', async (component, scraped) => {
  const [monitor] = (await renderChart({ ...release, values: { monitoring: { podMonitor: on } } }))
    .map(({ object }) => object as unknown as { kind: string; spec: { selector: Selector } })
    .filter(({ kind }) => kind === 'PodMonitor');
  if (!monitor) throw new Error('the chart made no PodMonitor');

  expect(selects(monitor.spec.selector, labelsOf({ metadata: { name: 'shop' } }, component))).toBe(scraped);
});

interface Selector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly { readonly key: string; readonly operator: 'In'; readonly values: string[] }[];
}

function selects({ matchLabels, matchExpressions }: Selector, labels: Readonly<Record<string, string>>): boolean {
  return (
    Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
    matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ''))
  );
}

/** Names that PromQL would look up: what is left without strings, matchers, label lists, ranges, functions and operators. */
function metricsIn(expr: string): readonly string[] {
  const bare = expr
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\{[^}]*}|\[[^\]]*]/g, '')
    .replaceAll(/\b(by|on|without|ignoring) *\([^)]*\)/g, '');
  const names = [...bare.matchAll(/[a-zA-Z_:][\w:]*(?![\w:]| *\()/g)].map(([name]) => name);
  return names.filter((name) => !['and', 'or', 'unless', 'by', 'on'].includes(name));
}

/** Asked of the agent's own process, and of the registries that operator and auth service serve. */
async function exposedMetrics(): Promise<readonly Metric[]> {
  await using pod = await startPod();
  const agent = await (await fetch(`${pod.probes}/metrics`)).text();
  const auth = createMetrics();
  const nothing = { waiting: 0, running: 0 };
  observeService(auth, {
    clock: { now: () => 0 } as never,
    admission: nothing,
    keys: { current: () => undefined, problem: undefined },
    clients: { current: () => undefined, problem: undefined },
    databaseUp: () => false,
    feed: { connections: 0 },
    verifiers: { heardWithin: () => 0 },
  });
  const { registry } = createRuntimeMetrics();
  exposeConditions({ cachedList: () => [] }, registry);
  exposeAuthPods({ cachedList: () => [] }, registry);
  exposeSigningKeys({ cachedList: () => [] }, registry);
  exposeConsumers({ cachedList: () => [], cached: () => undefined }, registry);
  const texts = [agent, await auth.registry.metrics(), await registry.metrics()];
  return texts.flatMap((text) =>
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({ name, type })),
  );
}

interface Metric {
  readonly name: string;
  readonly type: string;
}

function seriesOf({ name, type }: Metric): readonly string[] {
  return type === 'histogram' ? ['bucket', 'sum', 'count'].map((suffix) => `${name}_${suffix}`) : [name];
}
