import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { authStackSpecSchema } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { createStored, foreignSecret, readStored, replaceStored, secretOf } from './secret.ts';
import type { StoredSecret } from './secret.ts';

const stack: AuthStack = {
  apiVersion: 'authstack.dev/v1alpha1',
  kind: 'AuthStack',
  metadata: { name: 'shop', namespace: 'auth' },
  spec: authStackSpecSchema.parse({ publicURL: 'https://shop.example.com', auth: { audience: ['shop'] } }),
};

/** A count and a word; only whole numbers below a hundred can be read. */
const counted: StoredSecret<{ count: number; word: string }> = {
  component: 'auth',
  nameOf: (name) => `${name}-counted`,
  decode: ({ count = '', word = '' }) =>
    /^\d{1,2}$/.test(count) ? { value: { count: Number(count), word } } : { why: 'count is not a number below 100' },
  encode: ({ count, word }) => ({ count: String(count), word }),
};

test('what is written reads back as itself, whatever the text', () => {
  fc.assert(
    fc.property(fc.nat({ max: 99 }), fc.string({ unit: 'grapheme' }), (count, word) => {
      const secret = secretOf(counted, stack, { count, word });
      expect(readStored(counted, stack, secret)).toMatchObject({ state: 'value', value: { count, word } });
    }),
  );
});

test.each([NaN, Infinity, -1, 100, 1.5])('a value that could not be read back is never written: %p', (count) => {
  expect(() => createStored(counted, stack, { count, word: 'w' })).toThrow(/write Secret shop-counted/);
});

test('a Secret that lacks one of the labels is foreign, and its content is not looked at', () => {
  const secret = secretOf(counted, stack, { count: 1, word: 'w' });
  for (const missing of ['app.kubernetes.io/managed-by', 'authstack.dev/stack']) {
    const { [missing]: _gone, ...labels } = secret.metadata.labels ?? {};
    const bare: Secret = { ...secret, metadata: { ...secret.metadata, labels } };
    expect(readStored(counted, stack, bare)).toEqual({ state: 'foreign' });
  }
  const ofAnother = { ...stack, metadata: { ...stack.metadata, name: 'other' } };
  expect(readStored(counted, ofAnother, secret)).toEqual({ state: 'foreign' });
  expect(readStored(counted, stack, undefined)).toEqual({ state: 'absent' });
});

test('both ways on from a foreign Secret are in the message', () => {
  const message = foreignSecret(stack, 'shop-counted');
  expect(message).toContain('kubectl -n auth label --overwrite secret shop-counted');
  expect(message).toContain('authstack.dev/stack=shop');
  expect(message).toContain('rename or delete it');
});

test('a change replaces exactly the version that was seen', () => {
  const action = replaceStored(counted, stack, { value: { count: 2, word: 'w' }, resourceVersion: '7' });
  expect(action).toMatchObject({
    type: 'replace',
    object: { metadata: { name: 'shop-counted', resourceVersion: '7' } },
  });
});
