import { expect, test } from '@jest/globals';
import type { Optime } from '../api.ts';
import { nextTurn } from './turn.ts';
import type { Turn, Turned, Turning } from './turn.ts';

const at = (seconds: number): Optime => ({ term: 7, seconds, ordinal: 1 });
const told = (source: string): Turning => ({ told: { source, at: 1_000 } });
const seen = (source: string, change: Partial<Turned> = {}): Turned => ({
  ...{ source, applied: at(10), now: 1_100, ...change },
});
const primaryLeaves = { heir: 'b', followers: ['c'] };
const secondaryLeaves = { heir: 'a', followers: ['c'], from: 'b' };

test.each<[string, Turn['type'], Turning, Turned]>([
  ['one that replicates from the old primary is told', 'tell', {}, seen('a')],
  ['once', 'wait', told('a'), seen('a')],
  ['one that sleeps, for the heir was not ahead, is told again', 'tell', told('a'), seen('')],
  ['and once', 'wait', told(''), seen('')],
  ['one that does not follow is told again after its sleep', 'tell', told('a'), seen('a', { now: 2_501 })],
  ['one that replicates from the heir is told nothing', 'wait', {}, seen('b')],
  ['and has turned once something came through it', 'done', { reached: at(9) }, seen('b')],
  ['not before', 'wait', { reached: at(10) }, seen('b')],
])('%s', (...[, type, turning, now]) => {
  expect(nextTurn(turning, now, primaryLeaves).type).toBe(type);
});

test('what a member had reached counts only as long as it replicates from the heir', () => {
  expect(nextTurn({ ...told('a'), reached: at(5) }, seen(''), primaryLeaves)).toEqual({
    type: 'tell',
    turning: { told: { source: '', at: 1_100 } },
  });
});

test('only those who replicate from a secondary that leaves are told', () => {
  expect(nextTurn({}, seen('b'), secondaryLeaves).type).toBe('tell');
  expect(nextTurn({}, seen(''), secondaryLeaves).type).toBe('done');
  expect(nextTurn(told('b'), seen(''), secondaryLeaves).type).toBe('tell');
});
