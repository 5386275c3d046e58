import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from './fake-clock.ts';
import { PerObject } from './per-object.ts';
import { Store } from './store.ts';
import { aWidget } from './testing/widget.ts';
import type { Widget } from './testing/widget.ts';

/** A store as a watch fills it, and what is remembered about its objects. */
class World {
  readonly clock: FakeClock = new FakeClock();
  readonly widgets: Store<Widget> = new Store();
  readonly dropped: object[] = [];
  readonly memory: PerObject<object> = new PerObject(this.widgets, {
    clock: this.clock,
    onDropped: (value) => void this.dropped.push(value),
  });
  private version = 0;

  appears(name: string, uid: string = name): void {
    this.widgets.set(this.widget(name, uid));
  }

  disappears(name: string): void {
    this.widgets.remove(this.widget(name, name));
  }

  private widget(name: string, uid: string): Widget {
    this.version += 1;
    const { metadata, ...rest } = aWidget(name);
    return { ...rest, metadata: { ...metadata, uid, resourceVersion: String(this.version) } };
  }
}

const ref = (name: string): { namespace: string; name: string } => ({ namespace: 'default', name });

test('an entry stays while its object does, whatever changes in it, and goes with it', () => {
  const world = new World();
  world.appears('a');
  world.memory.set(ref('a'), {});
  world.appears('a');
  expect(world.memory.size).toBe(1);
  world.disappears('a');
  expect(world.memory.size).toBe(0);
  expect(world.dropped).toHaveLength(1);
});

test('an entry set before the watch reports its object stays', async () => {
  const world = new World();
  world.memory.set(ref('a'), { made: 'a moment ago' });
  world.appears('a');
  await world.clock.advance(3_600_000);
  world.appears('b');
  expect(world.memory.get(ref('a'))).toEqual({ made: 'a moment ago' });
});

test('another object of the same name begins with nothing', () => {
  const world = new World();
  world.appears('a', 'first');
  world.memory.set(ref('a'), {});
  world.appears('a', 'second');
  expect(world.memory.get(ref('a'))).toBeUndefined();
});

type Step = readonly ['appears' | 'reborn' | 'disappears' | 'set' | 'delete' | 'waits', string];

const steps = fc.array(
  fc.tuple(
    fc.constantFrom<Step[0]>('appears', 'reborn', 'disappears', 'set', 'delete', 'waits'),
    fc.constantFrom('a', 'b', 'c'),
  ),
  { maxLength: 40 },
);

test('after any history, objects that are gone leave nothing, and each value is dropped once', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const world = new World();
      const { memory, widgets, clock } = world;
      const values: object[] = [];
      let lives = 0;
      for (const [step, name] of history) {
        if (step === 'appears') world.appears(name);
        if (step === 'reborn') world.appears(name, `${name}-${(lives += 1)}`);
        if (step === 'disappears') world.disappears(name);
        if (step === 'set') {
          values.push({});
          memory.set(ref(name), values.at(-1) ?? {});
        }
        if (step === 'delete') memory.delete(ref(name));
        if (step === 'waits') await clock.advance(20_000);
      }
      await clock.advance(60_000);
      world.appears('another');
      const living = widgets.list().filter(({ metadata }) => memory.get(metadata) !== undefined);
      expect(memory.size).toBe(living.length);

      for (const { metadata } of widgets.list()) world.disappears(metadata.name);
      expect(memory.size).toBe(0);
      expect(new Set(world.dropped).size).toBe(values.length);
      expect(world.dropped).toHaveLength(values.length);
    }),
  );
});
