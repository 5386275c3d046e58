import { expect, test } from '@jest/globals';
import { streamLimits, streamsToEnd } from './stream-limits.ts';
import type { SeenStream } from './stream-limits.ts';

const NOW = 1_000_000;
const idle: SeenStream = { backlog: 0, backlogSince: undefined, endsAt: NOW + 1 };

test.each<[string, Partial<SeenStream>, string | undefined]>([
  ['one that reads goes on', {}, undefined],
  [
    'one with a backlog goes on for a while',
    { backlog: 1, backlogSince: NOW - streamLimits.backlogFor + 1 },
    undefined,
  ],
  [
    'one that takes nothing for too long ends',
    { backlog: 1, backlogSince: NOW - streamLimits.backlogFor },
    'not_reading',
  ],
  [
    'one with too much of a backlog ends at once',
    { backlog: streamLimits.backlog + 1, backlogSince: NOW },
    'not_reading',
  ],
  ['one that is old ends', { endsAt: NOW }, 'age'],
])('%s', (_law, change, reason) => {
  const stream = { ...idle, ...change };
  expect(streamsToEnd([idle, stream], NOW).get(stream)).toBe(reason);
  expect(streamsToEnd([idle, stream], NOW).size).toBe(reason === undefined ? 0 : 1);
});

test('where all together hold too much, those that hold most end, and no more of them than need to', () => {
  const holding = (backlog: number): SeenStream => ({ ...idle, backlog, backlogSince: NOW });
  const count = streamLimits.backlogInAll / (streamLimits.backlog / 2);
  const half = Array.from({ length: count - 1 }, () => holding(streamLimits.backlog / 2));
  const [most, little] = [holding(streamLimits.backlog), holding(100)];
  expect(streamsToEnd([...half, little], NOW).size).toBe(0);
  expect([...streamsToEnd([little, ...half, most], NOW)]).toEqual([[most, 'memory']]);
});
