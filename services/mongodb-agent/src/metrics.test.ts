import { expect, test } from '@jest/globals';
import { agentContract } from './api.ts';
import type { Observation } from './api.ts';
import { createMetrics } from './metrics.ts';
import type { Sources } from './metrics.ts';
import { becomes, initiateSet, pvcUid, reconfigure, startOnEmptyVolume } from './testing/replica-set.ts';
import { eventually, startPod } from './testing/pod.ts';
import type { Pod } from './testing/pod.ts';

const { paths } = agentContract;

type Samples = ReadonlyMap<string, number>;

function samplesOf(text: string): Samples {
  const lines = text.split('\n').filter((line) => line.startsWith('authstack_'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

async function scrape(pod: Pod): Promise<Samples> {
  return samplesOf(await (await fetch(`${pod.probes}/metrics`)).text());
}

function electionsIn(samples: Samples): number {
  const counts = [...samples].filter(([name]) => name.startsWith('authstack_mongodb_elections_total'));
  return counts.reduce((sum, [, count]) => sum + count, 0);
}

test('volume, connections, oplog window and elections of a set are exposed, and a step-down is one more election', async () => {
  await using one = await startPod(0);
  await using two = await startPod(1);
  await initiateSet(one);
  await startOnEmptyVolume(two);
  const first = { pod: one, _id: 0, votes: 1 } as const;
  await reconfigure(one, [first, { pod: two, _id: 1, votes: 0 }]);
  await becomes(two, 'SECONDARY');
  await reconfigure(one, [first, { pod: two, _id: 1, votes: 1 }]);

  const before = await scrape(two);
  expect(before.get('authstack_mongodb_volume_capacity_bytes')).toBeGreaterThan(0);
  expect(before.get('authstack_mongodb_volume_available_bytes')).toBeGreaterThan(0);
  expect(before.get('authstack_mongodb_volume_fenced')).toBe(0);
  expect(before.get('authstack_mongodb_connections')).toBeGreaterThan(0);
  expect(before.get('authstack_mongodb_oplog_used_ratio')).toBeLessThan(0.1);
  expect(before.get(`authstack_mongodb_lag_seconds{member="${two.host}"}`)).toBeGreaterThanOrEqual(0);
  await one.call(paths.stepDown, {});
  await becomes(two, 'PRIMARY');

  const after = await scrape(two);
  expect(electionsIn(after)).toBe(electionsIn(before) + 1);
  await eventually(() => scrape(two), {
    holds: (later) =>
      (later.get('authstack_mongodb_oplog_window_seconds') ?? 0) >
      (before.get('authstack_mongodb_oplog_window_seconds') ?? Infinity),
  });
  expect([...after].filter(([name]) => name.startsWith('authstack_mongodb_scrape_failures'))).toEqual([
    ['authstack_mongodb_scrape_failures_total{part="observation"}', 0],
    ['authstack_mongodb_scrape_failures_total{part="server"}', 0],
    ['authstack_mongodb_scrape_failures_total{part="oplog"}', 0],
  ]);
}, 60_000);

test('a held member exposes that, its volume and nothing of a mongod', async () => {
  await using pod = await startPod();
  await pod.call(paths.fence, { pvcUid, fenced: true });
  pod.startContainer();
  await eventually(pod.observe, { holds: ({ gate }) => gate === 'waiting' });

  const samples = await scrape(pod);

  expect(samples.get('authstack_mongodb_gate_held')).toBe(1);
  expect(samples.get('authstack_mongodb_volume_fenced')).toBe(1);
  expect(samples.get('authstack_mongodb_up')).toBe(0);
  expect(samples.has('authstack_mongodb_volume_available_bytes')).toBe(true);
  const ofMongod = ['connections', 'oplog_window_seconds', 'oplog_used_ratio', 'elections_total', 'lag_seconds'];
  expect([...samples.keys()].filter((name) => ofMongod.some((part) => name.includes(part)))).toEqual([]);
});

const seen: Observation = {
  ...{ podUid: 'pod-0', gate: 'released', volume: { state: 'data', capacityBytes: 10 } },
  mongod: { state: 'answers' },
  replicaSet: {
    ...{ state: 'initialized', replicaSetId: '65', self: 'PRIMARY', configCommitted: true, members: [] },
    config: { version: 1, term: 1, members: [] },
  },
};
const working: Sources = {
  observe: () => Promise.resolve(seen),
  readServer: () => Promise.resolve({ connections: 7, elections: { electionTimeout: 2 } }),
  readOplog: () => Promise.resolve({ windowSeconds: 3_600, fullness: 1 }),
};
const fails = (): Promise<never> => Promise.reject(new Error('mongod does not answer'));

test.each<[keyof Sources, { part: string; missing: string; kept: string }]>([
  ['readServer', { part: 'server', missing: 'connections', kept: 'oplog_window_seconds' }],
  ['readOplog', { part: 'oplog', missing: 'oplog_window_seconds', kept: 'connections' }],
  ['observe', { part: 'observation', missing: 'up', kept: 'scrape_failures_total{part="oplog"}' }],
])('where %s fails a scrape counts it, and has everything else', async (source, { part, missing, kept }) => {
  const failing = createMetrics({ ...working, [source]: fails });
  await failing.text();

  const samples = samplesOf((await failing.text()).text);

  expect(samples.get(`authstack_mongodb_scrape_failures_total{part="${part}"}`)).toBe(2);
  expect(samples.has(`authstack_mongodb_${missing}`)).toBe(false);
  expect(samples.has(`authstack_mongodb_${kept}`)).toBe(true);
});

test('a counter of mongod is exposed unchanged, however often it is scraped', async () => {
  const metrics = createMetrics(working);
  await Promise.all([metrics.text(), metrics.text()]);

  const { text } = await metrics.text();

  expect(samplesOf(text).get('authstack_mongodb_elections_total{reason="electionTimeout"}')).toBe(2);
});
