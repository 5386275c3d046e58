import { expect, test } from '@jest/globals';
import type { AuthSecrets } from '@authstack/auth-service/api';
import { authSecrets, readAuthSecrets } from './auth-secrets.ts';
import { secretOf } from './secret.ts';

const key = Buffer.alloc(32, 7).toString('base64');
const keySet = { current: 'a', keys: { a: key } };
const value: AuthSecrets = { pepper: keySet, refresh: keySet, totp: keySet };

test('what is written reads as the same', () => {
  expect(authSecrets.decode(authSecrets.encode(value))).toEqual({ value });
});

test.each<[string, object | string, string]>([
  ['is not JSON', '{', 'secrets.json is not JSON'],
  ['lacks a purpose', { ...value, pepper: undefined }, 'secrets.json.pepper is missing or invalid'],
  [
    'names a current key that is not there',
    { ...value, totp: { current: 'b', keys: { a: key } } },
    'secrets.json.totp: its current key is not among its keys',
  ],
  [
    'has a short key',
    { ...value, refresh: { current: 'a', keys: { a: 'c2hvcnQ=' } } },
    'secrets.json.refresh.keys.a: has fewer than 32 bytes',
  ],
])('a file that %s is malformed, and why repeats no key', (...[, content, why]) => {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  expect(authSecrets.decode({ 'secrets.json': text })).toEqual({ why });
});

test('a Secret without the file, or without the labels of the stack, is none', () => {
  const stack = { metadata: { name: 'shop', namespace: 'auth' } } as Parameters<typeof readAuthSecrets>[0];
  const secret = secretOf(authSecrets, stack, value);
  expect(readAuthSecrets(stack, secret)).toEqual({ state: 'present' });
  expect(readAuthSecrets(stack, { ...secret, data: {} })).toMatchObject({ state: 'malformed' });
  const { labels: _, ...metadata } = secret.metadata;
  expect(readAuthSecrets(stack, { ...secret, metadata })).toEqual({ state: 'foreign' });
});
