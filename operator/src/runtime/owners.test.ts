import { expect, test } from '@jest/globals';
import { toOwner } from './mapping.ts';
import { controlledBy } from './owners.ts';
import { configMapKind } from './core-kinds.ts';
import { aWidget, widgetKind } from './testing/widget.ts';
import type { KubernetesObject, ObjectMeta } from './objects.ts';
import type { Widget } from './testing/widget.ts';

function stored(name: string, metadata: Partial<ObjectMeta> = {}): Widget {
  const widget = aWidget(name);
  return { ...widget, metadata: { ...widget.metadata, uid: `uid of ${name}`, ...metadata } };
}

function configMap(metadata: Partial<ObjectMeta> = {}): KubernetesObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'made', namespace: 'default', ...metadata } };
}

test('an object leads to the owner that controls it, whatever version it was made with, and to no other', () => {
  const { keys } = toOwner(configMapKind, widgetKind);
  const owned = controlledBy(configMap(), stored('a'));
  expect(keys(owned)).toEqual(['default/a']);
  const [reference] = owned.metadata.ownerReferences ?? [];
  if (!reference) throw new Error('it has no owner');
  const by = (change: object): readonly string[] => keys(configMap({ ownerReferences: [{ ...reference, ...change }] }));
  expect(by({ apiVersion: 'example.com/v2' })).toEqual(['default/a']);
  expect(by({ apiVersion: 'example.org/v1' })).toEqual([]);
  expect(by({ kind: 'Gadget' })).toEqual([]);
  expect(by({ controller: false })).toEqual([]);
  expect(keys(configMap())).toEqual([]);
});

test('owning twice is owning once, and keeps owners that do not control', () => {
  const beside = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'p' };
  const once = controlledBy(configMap({ ownerReferences: [beside] }), stored('a'));
  expect(once.metadata.ownerReferences).toEqual([beside, expect.objectContaining({ name: 'a', controller: true })]);
  expect(controlledBy(once, stored('a'))).toEqual(once);
});

test('an owner in another namespace is refused: the garbage collector would delete the object', () => {
  expect(() => controlledBy(configMap(), stored('a', { namespace: 'other' }))).toThrow(/owner in another; use labels/);
  expect(() =>
    controlledBy(configMap({ name: 'c' }), { ...stored('a'), metadata: { name: 'a', uid: '1' } }),
  ).not.toThrow();
});

test('a second controller is refused, and so is an owner that was never stored', () => {
  const owned = controlledBy(configMap(), stored('a'));
  expect(() => controlledBy(owned, stored('b'))).toThrow('Widget a controls it already');
  expect(() => controlledBy(configMap(), aWidget('a'))).toThrow('it has no uid');
});
