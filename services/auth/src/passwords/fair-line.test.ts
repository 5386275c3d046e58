import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FairLine } from './fair-line.ts';
import type { Flow } from './fair-line.ts';

interface Entry extends Flow {
  readonly order: number;
}

function lineOf(...flows: readonly string[]): FairLine<Entry> {
  const line = new FairLine<Entry>();
  flows.forEach((flow, order) => {
    const [prefix = '', account = ''] = flow.split('/');
    line.add({ prefix, account, order });
  });
  return line;
}

/** The orders of entries as they are taken, at most so many. */
function inTurn(line: FairLine<Entry>, atMost = Infinity): number[] {
  const taken: number[] = [];
  while (line.size > 0 && taken.length < atMost) taken.push(line.take(() => true)?.order ?? NaN);
  return taken;
}

test('prefixes take turns, and accounts within each', () => {
  const line = lineOf('flood/a', 'flood/a', 'flood/a', 'flood/b', 'honest/a', 'other/c');
  expect(inTurn(line)).toEqual([0, 4, 5, 3, 1, 2]);
});

test('whoever is not ready is passed over and keeps its turn', () => {
  const line = lineOf('one/a', 'two/b', 'one/c');
  expect(line.take(({ prefix }) => prefix !== 'one')).toMatchObject({ prefix: 'two' });
  expect(line.take(() => false)).toBeUndefined();
  expect(inTurn(line)).toEqual([0, 2]);
});

test('crowded is the newest of the largest account in the largest prefix', () => {
  expect(lineOf('one/a', 'two/b', 'two/c', 'two/c', 'two/b', 'two/c').mostCrowded()).toMatchObject({ order: 5 });
  expect(lineOf('one/a', 'two/b').mostCrowded()).toMatchObject({ order: 1 });
  expect(lineOf().mostCrowded()).toBeUndefined();
});

test('of prefixes that are equally crowded, the one that came most often of late is', () => {
  const line = lineOf('flood/a', 'other/b', 'flood/c');
  expect(inTurn(line, 2)).toEqual([0, 1]);
  line.add({ prefix: 'new', account: 'me', order: 3 });
  expect(line.mostCrowded()).toMatchObject({ order: 2 });
  line.add({ prefix: 'new', account: 'me', order: 4 });
  expect(line.mostCrowded()).toMatchObject({ order: 4 });
});

test('what came long ago does not count', () => {
  const line = lineOf('once/a', 'once/b', 'once/c');
  expect(inTurn(line)).toEqual([0, 1, 2]);
  for (let order = 0; order < 300; order += 1) {
    line.add({ prefix: 'since', account: 'c', order });
    expect(line.take(() => true)).toMatchObject({ order });
  }
  line.add({ prefix: 'since', account: 'c', order: 300 });
  line.add({ prefix: 'once', account: 'a', order: 301 });
  expect(line.mostCrowded()).toMatchObject({ order: 300 });
});

test('an account counts from wherever it is asked for, and whoever has left is not counted', () => {
  const line = lineOf('one/a', 'two/a', 'two/b');
  expect([line.sizeOfAccount('a'), line.sizeOfAccount('c'), line.size]).toEqual([2, 0, 3]);
  const entry: Entry = { prefix: 'one', account: 'a', order: 9 };
  line.add(entry);
  expect([line.remove(entry), line.remove(entry), line.sizeOfAccount('a')]).toEqual([true, false, 2]);
});

const names = fc.constantFrom('a', 'b', 'c', 'd');
const crowds = fc.array(fc.record({ prefix: names, account: names }), { maxLength: 60 });

test('a newcomer of a new prefix waits one turn of each other prefix, and every entry is taken once', () => {
  fc.assert(
    fc.property(crowds, fc.nat(60), (crowd, before) => {
      const line = new FairLine<Entry>();
      crowd.forEach((flow, order) => {
        line.add({ ...flow, order });
      });
      const first = inTurn(line, Math.min(before, crowd.length));
      const others = new Set(crowd.filter((_, order) => !first.includes(order)).map(({ prefix }) => prefix));
      line.add({ prefix: 'new', account: 'a', order: -1 });
      const then = inTurn(line);
      expect(then.indexOf(-1)).toBeLessThanOrEqual(others.size);
      expect([...first, ...then].sort((a, b) => a - b)).toEqual([-1, ...crowd.keys()]);
      expect(line.size).toBe(0);
    }),
  );
});
