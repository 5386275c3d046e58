import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Reachability } from '../auth-pods/reachability.ts';
import { mayServiceSelectServing, planServing } from './serving.ts';
import type { ServingPod } from './serving.ts';
import { aServingPod, labelsAfter, replay, stack } from './testing/serving-model.ts';
import type { History, ServingLabel, Span } from './testing/serving-model.ts';

const silent: Reachability = { state: 'silent' };
const unknown: Reachability = { state: 'unknown' };
const answers = (ago: number, steadyFor = 60_000): Reachability => ({ state: 'answers', ago, steadyFor });

type Seen = readonly [ServingLabel, Reachability, ('not ready' | 'ready')?];

function podsOf(seen: readonly Seen[]): readonly ServingPod[] {
  return seen.map(([label, reachability, readiness = 'ready'], index) =>
    aServingPod(`shop-auth-${index}`, label, { reachability, isReady: readiness === 'ready' }),
  );
}

test.each<[string, readonly Seen[], readonly string[]]>([
  [
    'all answer',
    [
      ['true', answers(100)],
      ['true', answers(900)],
    ],
    ['true', 'true'],
  ],
  [
    'one is silent while the other answers',
    [
      ['true', silent],
      ['true', answers(900)],
    ],
    ['false', 'true'],
  ],
  [
    'all are silent',
    [
      ['true', silent],
      ['true', silent],
    ],
    ['true', 'true'],
  ],
  [
    'the other one answered only before this one fell silent',
    [
      ['true', silent],
      ['true', answers(1_600)],
    ],
    ['true', 'true'],
  ],
  [
    'nothing is known of the other one yet',
    [
      ['true', silent],
      ['true', unknown],
    ],
    ['true', 'true'],
  ],
  [
    'the other one answers and is not ready',
    [
      ['true', silent],
      ['true', answers(100), 'not ready'],
    ],
    ['true', 'true'],
  ],
  ['it is the only pod', [['true', silent]], ['true']],
  [
    'the silent one is not ready, so it gets nothing anyway',
    [
      ['true', silent, 'not ready'],
      ['true', answers(100)],
    ],
    ['true', 'true'],
  ],
  [
    'it has answered for a moment',
    [
      ['false', answers(100, 4_900)],
      ['true', answers(100)],
    ],
    ['false', 'true'],
  ],
  [
    'it has answered for five seconds',
    [
      ['false', answers(100, 5_000)],
      ['true', answers(100)],
    ],
    ['true', 'true'],
  ],
  [
    'it answers, and none in service does',
    [
      ['false', answers(100, 0)],
      ['true', silent],
    ],
    ['true', 'true'],
  ],
  [
    'it was taken out before this operator began',
    [
      ['false', unknown],
      ['true', answers(100)],
    ],
    ['false', 'true'],
  ],
  ['the one in service is gone', [['false', silent]], ['true']],
  [
    'the one in service is not ready any more',
    [
      ['false', silent],
      ['true', answers(100), 'not ready'],
    ],
    ['true', 'true'],
  ],
  [
    'a pod of an older template lacks the label',
    [
      [undefined, answers(100)],
      ['true', unknown, 'not ready'],
    ],
    ['true', 'true'],
  ],
  [
    'it lacks the label and is silent',
    [
      [undefined, silent],
      ['true', answers(100)],
    ],
    ['false', 'true'],
  ],
])('%s', (_situation, seen, labels) => {
  expect([...labelsAfter(podsOf(seen)).values()]).toEqual(labels);
});

test('an event names each pod that is taken out or put back, and what to look at', () => {
  const eventsOf = (...seen: Seen[]): unknown[] =>
    planServing(stack, podsOf(seen)).actions.map(({ event }) => event && `${event.reason}: ${event.message}`);
  expect(eventsOf(['true', silent], ['true', answers(100)])).toEqual([
    'PodTakenOutOfService: Pod shop-auth-0 on node node-of-shop-auth-0 has not answered for 3 s while others do; ' +
      'Service shop-auth sends it nothing more: kubectl describe node node-of-shop-auth-0',
  ]);
  expect(eventsOf(['false', answers(100)])).toEqual([
    'PodBackInService: Service shop-auth sends to Pod shop-auth-0 on node node-of-shop-auth-0 again',
  ]);
  expect(eventsOf([undefined, answers(100)])).toEqual([undefined]);
});

test('the Service asks for the label only once every pod that is ready has it', () => {
  expect(mayServiceSelectServing(podsOf([]))).toBe(true);
  expect(
    mayServiceSelectServing(
      podsOf([
        ['true', answers(100)],
        ['false', silent],
      ]),
    ),
  ).toBe(true);
  expect(
    mayServiceSelectServing(
      podsOf([
        ['true', answers(100)],
        [undefined, answers(100)],
      ]),
    ),
  ).toBe(false);
  expect(
    mayServiceSelectServing(
      podsOf([
        ['true', answers(100)],
        [undefined, unknown, 'not ready'],
      ]),
    ),
  ).toBe(true);
});

test('the next pass is set only for what no change announces', () => {
  const againOf = (...seen: Seen[]): number | undefined => planServing(stack, podsOf(seen)).again;
  expect(againOf(['true', answers(100)], ['true', answers(100)])).toBeUndefined();
  expect(againOf(['true', silent], ['true', silent])).toBeUndefined();
  expect(againOf(['false', silent], ['true', answers(100)])).toBeUndefined();
  expect(againOf(['true', silent], ['true', answers(2_500)])).toBe(500);
  expect(againOf(['false', answers(100, 2_000)], ['true', answers(100)])).toBe(3_000);
  expect(againOf(['false', unknown], ['true', answers(100)])).toBe(500);
});

const anyPods = fc
  .array(
    fc.tuple(
      fc.constantFrom<ServingLabel>('true', 'false', undefined),
      fc.constantFrom(silent, unknown, answers(100), answers(2_500), answers(100, 1_000)),
      fc.constantFrom('ready' as const, 'not ready' as const),
    ),
    { maxLength: 5 },
  )
  .map(podsOf);

const nameOf = ({ pod }: ServingPod): string => pod.metadata.name;
const answersNow = ({ reachability }: ServingPod): boolean =>
  reachability.state === 'answers' && reachability.ago < 1_500;

test('a ready pod stays in service where there is one, and one that answers where one does', () => {
  fc.assert(
    fc.property(anyPods, (pods) => {
      const labels = labelsAfter(pods);
      const ready = pods.filter(({ isReady }) => isReady);
      const serving = ready.filter((pod) => labels.get(nameOf(pod)) === 'true');
      expect(serving.length > 0).toBe(ready.length > 0);
      expect(serving.some(answersNow)).toBe(ready.some(answersNow));
    }),
  );
});

test('only a ready pod that is silent is taken out, and only while another one in service answers', () => {
  fc.assert(
    fc.property(anyPods, (pods) => {
      const labels = labelsAfter(pods);
      const out = pods.filter((pod) => labels.get(nameOf(pod)) === 'false' && !isOut(pod));
      expect(out.every(({ isReady, reachability }) => isReady && reachability.state === 'silent')).toBe(true);
      const serving = pods.filter((pod) => pod.isReady && labels.get(nameOf(pod)) === 'true');
      if (out.length > 0) expect(serving.some(answersNow)).toBe(true);
    }),
  );
});

function isOut({ pod }: ServingPod): boolean {
  return pod.metadata.labels?.['authstack.dev/serving'] === 'false';
}

test('what was done is not done again', () => {
  fc.assert(
    fc.property(anyPods, (pods) => {
      const labels = labelsAfter(pods);
      const after = pods.map(({ pod: { metadata }, isReady, reachability }) =>
        aServingPod(metadata.name, labels.get(metadata.name), { isReady, reachability }),
      );
      expect(planServing(stack, after).actions).toEqual([]);
    }),
  );
});

const UNTIL = 60_000;
const span: fc.Arbitrary<Span> = fc
  .tuple(fc.integer({ min: 0, max: UNTIL }), fc.integer({ min: 50, max: 20_000 }))
  .map(([from, length]) => [from, from + length]);
const spans = fc.array(span, { maxLength: 4 });
/** Answers soon: what takes half a second or more can be lost in a cut before which it was asked, and its neighbour's not. */
const aPod = (silences: fc.Arbitrary<readonly Span[]>): fc.Arbitrary<History['pods'][number]> =>
  fc.record({ phase: fc.integer({ min: 0, max: 999 }), delay: fc.integer({ min: 1, max: 400 }), silent: silences });
const well = fc.constant<readonly Span[]>([]);

test('no pod that can be reached is taken out, whatever cuts the operator off, stops it, or silences the other pods', () => {
  const histories = fc.record({
    pods: fc.tuple(aPod(well), fc.array(aPod(spans), { maxLength: 3 })).map(([pod, others]) => [pod, ...others]),
    cuts: spans,
    away: spans,
  });
  fc.assert(
    fc.property(histories, (history) => {
      expect(replay(history, UNTIL).filter(({ pod }) => pod === 0)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('a pod that dies is out within 4.5 s, and back 5 to 7 s after its return', () => {
  fc.assert(
    fc.property(aPod(well), aPod(well), span, (other, pod, [from, to]) => {
      fc.pre(from > 1_000 && to - from > 6_000);
      const dying = { ...pod, silent: [[from, to] as const] };
      const relabelled = replay({ pods: [other, dying], cuts: [], away: [] }, to + 10_000);
      expect(relabelled.map(({ pod: index, label }) => [index, label])).toEqual([
        [1, 'false'],
        [1, 'true'],
      ]);
      const [out, back] = relabelled.map(({ at }) => at);
      expect(out).toBeLessThanOrEqual(from + 4_500);
      expect((back ?? 0) - to).toBeGreaterThanOrEqual(5_000);
      expect((back ?? 0) - to).toBeLessThanOrEqual(7_500);
    }),
    { numRuns: 100 },
  );
});

test('a pod that comes and goes is relabelled at most every four seconds', () => {
  fc.assert(
    fc.property(aPod(well), aPod(fc.array(span, { maxLength: 20 })), (other, pod) => {
      const relabelled = replay({ pods: [other, pod], cuts: [], away: [] }, UNTIL);
      expect(relabelled.length).toBeLessThanOrEqual(2 * (UNTIL / 8_000) + 1);
    }),
    { numRuns: 100 },
  );
});
