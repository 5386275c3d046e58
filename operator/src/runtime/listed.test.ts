import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { counted, listed } from './listed.ts';

test.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b', 'c', 'd'], 'a, b, c, d'],
  [['a', 'b', 'c', 'd', 'e'], 'a, b, c and 2 more'],
])('%j is listed as "%s"', (names, text) => {
  expect(listed(names)).toBe(text);
});

test('no number of names makes a list longer than four of them', () => {
  const names = fc.array(fc.string({ minLength: 1, maxLength: 253 }), { maxLength: 600 });
  fc.assert(
    fc.property(names, (list) => {
      expect(listed(list).length).toBeLessThan(4 * 253 + 30);
    }),
  );
});

test('one of a kind is not several', () => {
  expect([1, 2, 0].map((count) => counted(count, 'copy', 'copies'))).toEqual(['1 copy', '2 copies', '0 copies']);
});

test('no message of the operator joins a list by itself', async () => {
  const root = join(import.meta.dirname, '..');
  const joining: string[] = [];
  for await (const file of glob('**/*.ts', { cwd: root })) {
    const isMessage = !/test|testing|listed\.ts$|conditions-reference\.ts$/.test(file);
    if (isMessage && (await readFile(join(root, file), 'utf8')).includes(".join(', ')")) joining.push(file);
  }
  expect(joining).toEqual([]);
});
