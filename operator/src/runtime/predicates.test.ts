import { expect, test } from '@jest/globals';
import type { KubernetesObject, ObjectMeta } from './objects.ts';
import {
  all,
  annotationsChanged,
  any,
  generationChanged,
  labelsChanged,
  moreThanStatusChanged,
  not,
  resourceVersionChanged,
} from './predicates.ts';
import type { Predicate } from './predicates.ts';

function anObject(metadata: Partial<ObjectMeta> = {}): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Widget',
    metadata: { name: 'a', uid: '1', generation: 1, resourceVersion: '1', ...metadata },
  };
}

const before = anObject();
const later = (metadata: Partial<ObjectMeta>): KubernetesObject => anObject({ resourceVersion: '2', ...metadata });
const predicates = {
  generationChanged,
  resourceVersionChanged,
  labelsChanged,
  annotationsChanged,
  moreThanStatusChanged,
};

test.each<[string, KubernetesObject, readonly (keyof typeof predicates)[]]>([
  ['nothing', before, []],
  ['only the status', later({}), ['resourceVersionChanged']],
  ['the spec', later({ generation: 2 }), ['generationChanged', 'resourceVersionChanged', 'moreThanStatusChanged']],
  ['a label', later({ labels: { a: 'b' } }), ['resourceVersionChanged', 'labelsChanged', 'moreThanStatusChanged']],
  [
    'an annotation',
    later({ annotations: { a: 'b' } }),
    ['resourceVersionChanged', 'annotationsChanged', 'moreThanStatusChanged'],
  ],
  ['a finalizer', later({ finalizers: ['f'] }), ['resourceVersionChanged', 'moreThanStatusChanged']],
  ['that it is to go', later({ deletionTimestamp: 'now' }), ['resourceVersionChanged', 'moreThanStatusChanged']],
  ['its identity', later({ uid: '2' }), ['resourceVersionChanged', 'moreThanStatusChanged']],
])('when %s changed, these hold', (_what, after, expected) => {
  const said = Object.entries(predicates).filter(([, holds]) => holds({ before, after }));
  expect(said.map(([name]) => name)).toEqual(expected);
});

test('what is new or gone is always worth a pass', () => {
  for (const holds of Object.values(predicates)) {
    expect(holds({ after: before })).toBe(true);
    expect(holds({ before })).toBe(true);
  }
});

test('and, or and not are those of logic', () => {
  const yes: Predicate = () => true;
  const no: Predicate = () => false;
  const truth = [any(yes, no), any(no, no), any(), all(yes, no), all(yes, yes), all(), not(yes), not(no)];
  expect(truth.map((holds) => holds({}))).toEqual([true, false, false, false, true, true, false, true]);
});
