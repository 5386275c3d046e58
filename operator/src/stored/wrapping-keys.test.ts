import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { authStackSpecSchema } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { wrappingKeyIn, wrappingKeysIn, wrappingSecretsOf } from './wrapping-keys.ts';

const [one, two] = [randomBytes(32), randomBytes(32)];
const secret: Secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'custody' },
  data: {
    raw: one.toString('base64'),
    text: Buffer.from(`${two.toString('base64')}\n`).toString('base64'),
    note: btoa('keep this safe'),
    empty: '',
  },
};

function aStack(name?: string): AuthStack {
  const signingKeys = name === undefined ? {} : { encryption: { secretRef: { name } } };
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name: 'shop' },
    spec: authStackSpecSchema.parse({ publicURL: 'https://a.example.com', auth: { audience: ['a'] }, signingKeys }),
  };
}

test('every entry that is a wrapping key is one, as bytes or as text, and whatever else is there does not matter', () => {
  expect(wrappingKeysIn(secret).map(({ bytes }) => Buffer.from(bytes))).toEqual([one, two]);
  expect(wrappingKeysIn(undefined)).toEqual([]);
});

test('an entry is a key, or says why not, or is not there', () => {
  expect(wrappingKeyIn(secret, 'raw')).toMatchObject({ id: wrappingKeysIn(secret)[0]?.id });
  expect(wrappingKeyIn(secret, 'note')).toMatchObject({ why: expect.stringContaining('has 14 bytes') as unknown });
  for (const entry of ['empty', 'other', '__proto__']) expect(wrappingKeyIn(secret, entry)).toBeUndefined();
  expect(wrappingKeyIn(undefined, 'raw')).toBeUndefined();
});

test.each<[string, string | undefined, string | undefined, readonly string[]]>([
  ['neither', undefined, undefined, []],
  ['the spec', 'custody', undefined, ['custody']],
  ['the ring, when the spec no longer does', undefined, 'custody', ['custody']],
  ['both the same', 'custody', 'custody', ['custody']],
  ["the spec's before the ring's", 'next', 'custody', ['next', 'custody']],
])('the Secrets that matter: %s', (_who, ...[spec, ring, names]) => {
  const wrapping = ring === undefined ? undefined : { secretName: ring, keyId: 'A' };
  expect(wrappingSecretsOf(aStack(spec), wrapping)).toEqual(names);
});
