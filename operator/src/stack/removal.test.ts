import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { authStackSpecSchema } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import { persistentVolumeClaimKind, secretKind, statefulSetKind } from '../runtime/core-kinds.ts';
import type { Kind } from '../runtime/objects.ts';
import { planRemoval } from './removal.ts';
import type { Kept } from './removal.ts';

function aStack(deletionPolicy: 'Retain' | 'Delete'): AuthStack {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name: 'shop', namespace: 'auth', uid: 'u1' },
    spec: authStackSpecSchema.parse({
      publicURL: 'https://shop.example.com',
      auth: { audience: ['shop'] },
      deletionPolicy,
    }),
  };
}

function object(kind: Kind, name: string, deletionTimestamp?: string): Kept {
  const metadata = { name, namespace: 'auth', uid: `uid-${name}`, ...(deletionTimestamp && { deletionTimestamp }) };
  return { kind, object: { apiVersion: kind.apiVersion, kind: kind.kind, metadata } };
}

const objects = fc.array(
  fc
    .tuple(fc.constantFrom<Kind>(secretKind, persistentVolumeClaimKind), fc.uuid(), fc.boolean())
    .map(([kind, name, isGoing]) => object(kind, name, isGoing ? '2030-01-01T00:00:00Z' : undefined)),
  { maxLength: 8 },
);

test('Retain deletes nothing and ends at once', () => {
  fc.assert(
    fc.property(objects, (kept) => {
      expect(planRemoval({ stack: aStack('Retain'), workloads: [], kept })).toMatchObject({ actions: [], done: true });
    }),
  );
});

test('a policy of another schema is not taken for Delete', () => {
  fc.assert(
    fc.property(objects, fc.oneof(fc.constant(undefined), fc.string()), (kept, word) => {
      fc.pre(word !== 'Delete');
      const stack = aStack('Retain');
      const broken = { ...stack, spec: { ...stack.spec, deletionPolicy: word as never } };
      expect(planRemoval({ stack: broken, workloads: [], kept })).toMatchObject({ actions: [], done: true });
    }),
  );
});

test('Delete asks once for each that is left, and ends when each was asked for', () => {
  fc.assert(
    fc.property(objects, (kept) => {
      const left = kept.filter(({ object: { metadata } }) => metadata.deletionTimestamp === undefined);
      const plan = planRemoval({ stack: aStack('Delete'), workloads: [], kept });
      expect(plan.actions).toHaveLength(left.length);
      expect(plan.done).toBe(left.length === 0);
    }),
  );
});

test('what makes volumes goes before the volumes', () => {
  const kept = [object(persistentVolumeClaimKind, 'data-shop-mongodb-0')];
  const workloads = [object(statefulSetKind, 'shop-mongodb')];
  const { actions } = planRemoval({ stack: aStack('Delete'), workloads, kept });
  expect(actions.map((action) => action.type === 'delete' && [action.kind.kind, action.target.uid])).toEqual([
    ['StatefulSet', 'uid-shop-mongodb'],
    ['PersistentVolumeClaim', 'uid-data-shop-mongodb-0'],
  ]);
});
