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

test('word of a deletion does not take the object that has its name since', () => {
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

test('the list of one namespace says nothing about another', () => {
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
