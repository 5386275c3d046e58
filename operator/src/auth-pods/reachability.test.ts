import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ASK_EVERY, SILENT_AFTER, answered, asked, reachabilityOf } from './reachability.ts';
import type { Attention } from './reachability.ts';

interface Replayed {
  readonly known: Attention;
  readonly now: number;
  /** The state after each question. */
  readonly states: readonly string[];
}

/** One question after another; `answers` says which of them are answered, a moment later. */
function replay(answers: readonly boolean[], every: number = ASK_EVERY): Replayed {
  let known: Attention | undefined;
  let now = 0;
  const states: string[] = [];
  for (const isAnswered of answers) {
    known = asked(known, now);
    states.push(reachabilityOf(known, now).state);
    if (isAnswered) known = answered(known, now + 10);
    now += every;
  }
  if (!known) throw new Error('nothing was asked');
  return { known, now, states };
}

const yes = true;
const no = false;

test('a pod answers from its first answer on', () => {
  expect(reachabilityOf(undefined, 0)).toEqual({ state: 'unknown' });
  expect(replay([no, yes, yes]).states).toEqual(['unknown', 'unknown', 'answers']);
  const { known, now } = replay([yes, yes, yes]);
  expect(reachabilityOf(known, now)).toEqual({ state: 'answers', ago: 990, steadyFor: 2_990 });
});

test('it is silent once nothing has come for 3 s, whether it ever answered or not', () => {
  expect(replay([no, no, no, no]).states).toEqual(['unknown', 'unknown', 'unknown', 'silent']);
  expect(replay([yes, no, no, no, no]).states).toEqual(['unknown', 'answers', 'answers', 'answers', 'silent']);
});

test('one answer ends the silence; steady answers are counted anew from it, and from the first after a missing one', () => {
  const { known, now, states } = replay([yes, yes, no, no, no, no, yes, yes]);
  expect(states.slice(-2)).toEqual(['silent', 'answers']);
  expect(reachabilityOf(known, now)).toMatchObject({ state: 'answers', steadyFor: 1_990 });
  const missed = replay([yes, yes, no, yes]);
  expect(reachabilityOf(missed.known, missed.now)).toMatchObject({ state: 'answers', steadyFor: 990 });
});

test('a process that was away, and so asked nobody, calls no pod silent for that', () => {
  const before = replay([yes, no, no]);
  const returned = asked(before.known, before.now + 60_000);
  expect(reachabilityOf(returned, before.now + 60_000).state).toBe('answers');
  expect(replay([no, no, no, no, no, no], ASK_EVERY + 501).states).not.toContain('silent');
});

test('a pod is called silent only after three questions in 3 s without an answer', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), (answers) => {
      replay(answers).states.forEach((state, question) => {
        const before = answers.slice(Math.max(0, question - SILENT_AFTER / ASK_EVERY), question);
        expect(state === 'silent').toBe(before.length === 3 && !before.includes(yes));
      });
    }),
  );
});
