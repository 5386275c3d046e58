import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ShortMemory } from './short-memory.ts';
import { FakeClock } from './testing/fake-clock.ts';

const LIFETIME = 10;
const CAPACITY = 3;

test('what is remembered are the last entries of the last moments, and never more than the capacity', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), wait: fc.nat({ max: 8 }) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const clock = new FakeClock();
      const memory = new ShortMemory<number>({ clock, lifetime: LIFETIME, capacity: CAPACITY });
      let model: { key: string; value: number; at: number }[] = [];
      steps.forEach(({ key, wait }, value) => {
        clock.advance(wait);
        memory.set(key, value);
        model = [...model.filter((each) => each.key !== key), { key, value, at: clock.now() }];
        model = model.filter(({ at }) => clock.now() < at + LIFETIME).slice(-CAPACITY);

        expect(memory.size).toBe(model.length);
        for (const name of ['a', 'b', 'c', 'd', 'e']) {
          const entry = model.find((each) => each.key === name);
          expect(memory.get(name)).toBe(entry?.value);
          expect(memory.remaining(name)).toBe(entry ? entry.at + LIFETIME - clock.now() : 0);
        }
      });
    }),
  );
});

test('an entry is forgotten in time, though nothing else comes', () => {
  const clock = new FakeClock();
  const memory = new ShortMemory<string>({ clock, lifetime: LIFETIME, capacity: CAPACITY });
  memory.set('a', 'x');
  clock.advance(LIFETIME - 1);
  expect([memory.get('a'), memory.remaining('a')]).toEqual(['x', 1]);
  clock.advance(1);
  expect([memory.get('a'), memory.remaining('a')]).toEqual([undefined, 0]);
});
