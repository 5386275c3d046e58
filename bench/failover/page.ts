import { quantile, seconds, table, writeResult } from '../report.ts';
import type { Row } from '../report.ts';
import { events } from './events.ts';
import type { Event } from './events.ts';
import { kept } from './occurrence.ts';
import type { Measured, Occurrence, Quiet } from './occurrence.ts';
import { gapsPlot } from './plot.ts';

interface Section {
  readonly event: Event;
  readonly measured: Measured;
}

const about = [
  '`make bench-failover` writes this page. Three members, three auth pods and two operators on the cluster of `make up`. A client writes',
  'with w: majority each 50 ms, without a retry; somebody signs in through the gateway each 200 ms, without a retry. Both run on the',
  'same machine, beside the four nodes. MongoDB has `electionTimeoutMillis: 4000` and `catchUpTimeoutMillis: 1000`; everything of',
  'Kubernetes is left as it comes. The events were not all measured in one run; each section says when, where, and how often.',
];

/** From everything that is kept under `results/failover`. */
export async function writePage(): Promise<void> {
  const sections: Section[] = [];
  for (const event of events) {
    const measured = await kept<Measured>(event.name);
    if (measured) sections.push({ event, measured });
  }
  const quiet = await kept<Quiet>('quiet');
  const never = events.filter((event) => sections.every((section) => section.event !== event));
  const text = [
    '# Failover',
    '',
    ...about,
    '',
    '![Each time without an acknowledged write, by event; the line is the longest that is promised](failover.svg)',
    '',
    ...sections.flatMap(textOf),
    ...(quiet ? quietly(quiet) : []),
    ...(never.length > 0 ? [`Not measured yet: ${never.map(({ what }) => what).join('; ')}.`, ''] : []),
  ].join('\n');
  await writeResult('failover.md', text);
  const plotted = sections.map(({ event, measured }) => ({
    name: event.name,
    gaps: measured.occurrences.map(({ gap }) => gap),
    max: event.writes.max,
  }));
  await writeResult('failover.svg', gapsPlot(plotted));
}

function textOf({ event, measured }: Section): readonly string[] {
  const { conditions, occurrences, writes } = measured;
  return [
    `## ${event.what}`,
    '',
    `${occurrences.length} times; measured ${conditions}.`,
    '',
    table([...rowsOf(event, occurrences), lostWrites(writes)]),
    '',
    `Times without an acknowledged write: ${occurrences.map(({ gap }) => seconds(gap)).join(', ')}.`,
    '',
  ];
}

function quietly({ conditions, minutes, elections, signIns, writes }: Quiet): readonly string[] {
  const rows: readonly Row[] = [
    { what: 'elections without cause', measured: String(elections), budget: '0', kept: elections === 0 },
    {
      what: 'sign-ins that failed',
      measured: `${signIns.failed} of ${signIns.tried}`,
      budget: '0',
      kept: signIns.failed === 0,
    },
    lostWrites(writes),
  ];
  return [`## ${minutes} minutes of load alone`, '', `Measured ${conditions}.`, '', table(rows), ''];
}

export function rowsOf({ writes, signIns }: Event, occurrences: readonly Occurrence[]): readonly Row[] {
  const gaps = occurrences.map(({ gap }) => gap);
  const spread = (values: readonly number[]): string =>
    [0.5, 0.9, 1].map((part) => seconds(quantile(values, part))).join(' / ');
  const all = occurrences.map((occurrence) => occurrence.signIns);
  const tried = all.reduce((sum, one) => sum + one.tried, 0);
  const failed = all.flatMap((one) => one.failed);
  const failingFor = Math.max(...all.map((one) => one.failingFor));
  const longest = Math.max(...all.map((one) => one.longest));
  const isPolite = failed.every(({ status, retryAfter }) => status === 503 && retryAfter);
  const promises: readonly (readonly [string, boolean] | false)[] = [
    signIns.failed !== undefined && [`≤ ${signIns.failed} fail`, failed.length <= signIns.failed],
    signIns.failingFor !== undefined && [`fail for ≤ ${seconds(signIns.failingFor)}`, failingFor <= signIns.failingFor],
    signIns.longest !== undefined && [`≤ ${seconds(signIns.longest)}`, longest <= signIns.longest],
    signIns.politely === true && ['only 503 with Retry-After', isPolite],
  ];
  const made = promises.filter((promise) => promise !== false);
  const median = writes.median === undefined ? '' : `p50 ≤ ${seconds(writes.median)}, `;
  return [
    {
      what: 'no write acknowledged, p50 / p90 / max',
      measured: spread(gaps),
      budget: `${median}max ≤ ${seconds(writes.max)}`,
      kept: Math.max(...gaps) <= writes.max && quantile(gaps, 0.5) <= (writes.median ?? Infinity),
    },
    {
      what: 'sign-ins that failed, for how long at most, and the longest',
      measured: `${failed.length} of ${tried}${answersOf(failed)}, ${seconds(failingFor)}, ${seconds(longest)}`,
      budget: made.map(([promise]) => promise).join(', '),
      kept: made.every(([, isKept]) => isKept),
    },
    {
      what: 'all members serve again, p50 / p90 / max',
      measured: spread(occurrences.map(({ healthyAfter }) => healthyAfter)),
    },
  ];
}

/** ` (12 × 503, 3 × none)` */
function answersOf(failed: Occurrence['signIns']['failed']): string {
  if (failed.length === 0) return '';
  const answers = Map.groupBy(failed, ({ status }) => (status === undefined ? 'no answer' : String(status)));
  return ` (${[...answers].map(([answer, ones]) => `${ones.length} × ${answer}`).join(', ')})`;
}

function lostWrites({ acknowledged, lost }: Measured['writes']): Row {
  return { what: 'acknowledged writes lost', measured: `${lost} of ${acknowledged}`, budget: '0', kept: lost === 0 };
}
