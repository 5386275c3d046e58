import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { KubernetesObject } from './objects.ts';
import { Store } from './store.ts';
import type { Change } from './store.ts';

interface Options {
  readonly namespace?: string;
  readonly labels?: Record<string, string>;
}

function anObject(name: string, version: number, options: Options = {}): KubernetesObject {
  const metadata = { name, namespace: 'default', resourceVersion: String(version), ...options };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata };
}

const versionOf = (store: Store, name: string): string | undefined =>
  store.get({ namespace: 'default', name })?.metadata.resourceVersion;

test('what our own write answered stays until the watch has caught up', () => {
  const store = new Store();
  store.set(anObject('a', 8));
  store.setIfNewer(anObject('a', 10));
  store.set(anObject('a', 9));
  expect(versionOf(store, 'a')).toBe('10');
  store.set(anObject('a', 11));
  expect(versionOf(store, 'a')).toBe('11');
});

test('an answer that comes after the object has gone brings nothing back', () => {
  const store = new Store();
  store.set(anObject('a', 8));
  store.remove(anObject('a', 10));
  store.setIfNewer(anObject('a', 9));
  expect(store.size).toBe(0);
});

test('a deletion does not remove the object that has its name since', () => {
  const store = new Store();
  store.set(anObject('a', 8));
  store.setIfNewer(anObject('a', 12));
  store.remove(anObject('a', 10));
  expect(versionOf(store, 'a')).toBe('12');
});

test('a list is believed although its versions are lower: etcd may have been restored', () => {
  const store = new Store();
  store.set(anObject('a', 100));
  store.replace([anObject('a', 5)]);
  expect(versionOf(store, 'a')).toBe('5');
});

test('the list of one namespace changes nothing in another', () => {
  const store = new Store();
  store.set(anObject('a', 1));
  store.set(anObject('b', 2, { namespace: 'other' }));
  store.replace([], 'default');
  expect(store.list().map(({ metadata }) => metadata.name)).toEqual(['b']);
});

test('lists by namespace and by labels that all agree', () => {
  const store = new Store();
  store.set(anObject('a', 1, { labels: { app: 'x', tier: 'y' } }));
  store.set(anObject('b', 2, { labels: { app: 'x' } }));
  store.set(anObject('c', 3, { namespace: 'other', labels: { app: 'x', tier: 'y' } }));
  const names = (options: object): string[] => store.list(options).map(({ metadata }) => metadata.name);
  expect(names({})).toEqual(['a', 'b', 'c']);
  expect(names({ labels: { app: 'x', tier: 'y' } })).toEqual(['a', 'c']);
  expect(names({ namespace: 'default', labels: { app: 'x', tier: 'y' } })).toEqual(['a']);
  expect(names({ namespace: 'nowhere' })).toEqual([]);
});

test('what is cached cannot be changed, however deep', () => {
  const store = new Store();
  store.set(anObject('a', 1, { labels: { app: 'x' } }));
  const labels = store.get({ namespace: 'default', name: 'a' })?.metadata.labels as Record<string, string>;
  expect(() => {
    labels['app'] = 'y';
  }).toThrow(TypeError);
});

test('what field managers did is not kept: it would double the cache', () => {
  const store = new Store();
  const { metadata, ...rest } = anObject('a', 1);
  store.set({ ...rest, metadata: { ...metadata, managedFields: [{ manager: 'kubectl' }] } });
  expect(store.list()).toEqual([anObject('a', 1)]);
});

const letter = fc.constantFrom('x', 'y');
const labels = fc.oneof(fc.constant({}), fc.record({ app: letter }), fc.record({ app: letter, tier: letter }));
const history = fc.array(
  fc.record({
    act: fc.constantFrom('set' as const, 'remove' as const, 'replace' as const),
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    namespace: fc.constantFrom('default', 'other'),
    labels,
  }),
  { maxLength: 40 },
);

test('an index finds exactly what a look at each object would find, whatever happened before', () => {
  fc.assert(
    fc.property(history, letter, letter, (steps, app, tier) => {
      const byAnyLabel = ({ metadata }: KubernetesObject): string[] => Object.values(metadata.labels ?? {});
      const indexed = new Store({ labels: ['app'], indexers: { anyLabel: byAnyLabel } });
      const plain = new Store();
      steps.forEach(({ act, name, ...options }, version) => {
        for (const store of [indexed, plain]) {
          const object = anObject(name, version, options);
          if (act === 'replace') store.replace([object], options.namespace);
          else store[act](object);
        }
      });
      for (const asked of [{ labels: { app } }, { labels: { app, tier } }, { namespace: 'other', labels: { app } }]) {
        expect(new Set(indexed.list(asked))).toEqual(new Set(plain.list(asked)));
      }
      for (const narrowed of [{}, { namespace: 'other' }, { labels: { app } }]) {
        const found = indexed.list({ ...narrowed, index: { name: 'anyLabel', value: tier } });
        const looked = plain.list(narrowed).filter((object) => byAnyLabel(object).includes(tier));
        expect(new Set(found)).toEqual(new Set(looked));
      }
    }),
  );
});

test('a list looks at no object outside the smallest of what namespace and labels narrow it down to', () => {
  const store = new Store({ labels: ['stack'] });
  let looks = 0;
  for (let index = 0; index < 1_000; index++) {
    const object = anObject(`o${index}`, 1, { namespace: `n${Math.floor(index / 100)}` });
    const metadata = Object.defineProperty({ ...object.metadata }, 'labels', {
      enumerable: true,
      get: () => {
        looks += 1;
        return { stack: `s${index % 100}` };
      },
    });
    store.set(Object.freeze({ ...object, metadata }));
  }
  looks = 0;
  expect(store.list({ labels: { stack: 's7' } })).toHaveLength(10);
  expect(looks).toBe(10);
  expect(store.list({ namespace: 'n3', labels: { stack: 's7' } })).toHaveLength(1);
  expect(looks).toBe(11);
});

test('an object that an indexer chokes on is found under nothing, and keeps no other from being known', () => {
  const byLength = ({ metadata }: KubernetesObject): string[] => {
    const app = metadata.labels?.['app'];
    if (app === undefined) throw new TypeError('spec of an older version');
    return [String(app.length)];
  };
  const store = new Store({ indexers: { byLength } });
  store.set(anObject('unlabelled', 1));
  store.set(anObject('a', 1, { labels: { app: 'x' } }));
  expect(store.list({ index: { name: 'byLength', value: '1' } })).toHaveLength(1);
  expect(store.size).toBe(2);
});

test('an index that nobody named is an error', () => {
  expect(() => new Store().list({ index: { name: 'owner', value: 'x' } })).toThrow('there is no index owner');
});

type Act = { readonly set: [string, number] } | { readonly remove: [string, number] } | { readonly list: string[] };
const name = fc.constantFrom('a', 'b', 'c');
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ set: fc.tuple(name, fc.integer({ min: 1, max: 30 })) }),
  fc.record({ remove: fc.tuple(name, fc.integer({ min: 1, max: 30 })) }),
  fc.record({ list: fc.uniqueArray(name) }),
);

test('one who only listens to the changes knows exactly what the store knows', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const store = new Store();
      const known = new Map<string, KubernetesObject>();
      store.onChange(({ before, after }: Change<KubernetesObject>) => {
        const object = after ?? before;
        expect(known.get(object?.metadata.name ?? '')).toBe(before);
        if (after) known.set(after.metadata.name, after);
        else known.delete(object?.metadata.name ?? '');
      });
      acts.forEach((each, index) => {
        if ('set' in each) store.set(anObject(...each.set));
        else if ('remove' in each) store.remove(anObject(...each.remove));
        else store.replace(each.list.map((listed) => anObject(listed, index)));
      });
      expect(new Set(known.values())).toEqual(new Set(store.list()));
    }),
  );
});
