import { basename } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Schedule } from '../world/scenario.ts';
import { batches, listOf } from './schedule.ts';
import type { Batch, ScenarioFile } from './schedule.ts';

const files: readonly ScenarioFile[] = [
  file('audit', { minutes: 2, suite: 'audit' }),
  file('chart', { minutes: 6, suite: 'core', alone: true }),
  file('consent', { minutes: 4, suite: 'core' }, { minutes: 3, suite: 'core' }),
  file('every-pod-dies', { minutes: 6, suite: 'full' }),
  file('node-is-drained', { minutes: 5, suite: 'full', alone: true }),
];
const everything = { full: false, chosen: [] };

test('make e2e runs the core, two files at a time, then those that need the cluster alone, then the audit', () => {
  expect(namesOf(batches(files, everything))).toEqual(['2: consent', '1: chart', '1: audit']);
});

test('make e2e-full runs the faults after the core and before the audit', () => {
  expect(namesOf(batches(files, { ...everything, full: true }))).toEqual([
    '2: consent',
    '1: chart',
    '2: every-pod-dies',
    '1: node-is-drained',
    '1: audit',
  ]);
});

test('words choose files of the suites that run, without the audit', () => {
  expect(namesOf(batches(files, { full: false, chosen: ['node', 'consent', 'audit'] }))).toEqual(['2: consent']);
  expect(namesOf(batches(files, { full: true, chosen: ['node'] }))).toEqual(['1: node-is-drained']);
});

test('a file whose scenarios disagree on when they run is refused', () => {
  const mixed = file('mixed', { minutes: 1, suite: 'core' }, { minutes: 1, suite: 'core', alone: true });
  expect(() => batches([mixed], everything)).toThrow('mixed: "mixed 1" is scheduled otherwise than "mixed 0"');
  expect(() => batches([{ path: 'empty.e2e.ts', scenarios: [] }], everything)).toThrow('empty declares no scenario');
});

test('the list names file, suite, alone and the minutes that all its scenarios may take', () => {
  expect(
    listOf(batches(files, everything))
      .split('\n')
      .map((line) => line.split(/\s+/)),
  ).toEqual([
    ['consent', 'core', '7', 'min'],
    ['chart', 'core', 'alone', '6', 'min'],
    ['audit', 'audit', '2', 'min'],
  ]);
});

function file(name: string, ...schedules: readonly Schedule[]): ScenarioFile {
  return {
    path: `/somewhere/${name}.e2e.ts`,
    scenarios: schedules.map((schedule, index) => ({ name: `${name} ${index}`, ...schedule })),
  };
}

function namesOf(inOrder: readonly Batch[]): readonly string[] {
  return inOrder.map(
    ({ workers, files: batch }) => `${workers}: ${batch.map(({ path }) => basename(path, '.e2e.ts')).join(' ')}`,
  );
}
