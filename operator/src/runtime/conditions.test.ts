import { expect, test } from '@jest/globals';
import { mergeConditions } from './conditions.ts';

const options = { now: 1_700_000_000_500, generation: 3, types: ['Ready', 'Stalled'] };
const before = {
  type: 'Ready',
  status: 'True',
  reason: 'Old',
  message: 'as it was',
  lastTransitionTime: '2020-01-01T00:00:00Z',
  observedGeneration: 2,
} as const;

test('the transition time moves when the status does, and only then', () => {
  const same = { type: 'Ready', status: 'True', reason: 'New', message: 'still so' } as const;
  expect(mergeConditions([before], [same], options)[0]).toEqual({
    ...same,
    lastTransitionTime: before.lastTransitionTime,
    observedGeneration: 3,
  });
  const other = { ...same, status: 'False' } as const;
  expect(mergeConditions([before], [other], options)[0]).toMatchObject({ lastTransitionTime: '2023-11-14T22:13:20Z' });
});

test('a type that nobody observed stays as it was, or is Unknown from the first visit on', () => {
  const merged = mergeConditions([before], [], options);
  expect(merged).toMatchObject([before, { type: 'Stalled', status: 'Unknown', reason: 'NotEvaluated' }]);
});

test('a transient type is stored while it is True and gone when it is not', () => {
  const transient = { ...options, transientTypes: ['Paused'] };
  const paused = { type: 'Paused', status: 'True', reason: 'Requested', message: 'spec.paused is true' } as const;
  const stored = mergeConditions([before], [paused], transient);
  expect(stored.map(({ type }) => type)).toEqual(['Ready', 'Stalled', 'Paused']);
  expect(mergeConditions(stored, [], transient)).toMatchObject([before, { type: 'Stalled' }, paused]);
  const over = mergeConditions(stored, [{ ...paused, status: 'False' }], transient);
  expect(over.map(({ type }) => type)).toEqual(['Ready', 'Stalled']);
});
