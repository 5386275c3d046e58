import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { secretKey } from '../secrets/secrets.ts';
import type { KeySet } from '../secrets/secrets.ts';
import { knownDevice, withAccount } from './device-proof.ts';

function keySet(...ids: readonly [string, ...string[]]): KeySet {
  const keys = new Map(ids.map((id) => [id, secretKey(id, randomBytes(32))]));
  const [current] = keys.values();
  if (!current) throw new Error('no key');
  return { current, ids: [...keys.keys()], find: (id) => keys.get(id) };
}

const jo = 'jo@example.com';
const al = 'al@example.com';
const keys = keySet('r1');

test('a device is known to the accounts that signed in from it, and to no others', () => {
  const proof = withAccount(withAccount(undefined, jo, keys), al, keys);
  expect(knownDevice(proof, jo, keys)).toEqual(knownDevice(proof, al, keys));
  expect(knownDevice(proof, jo, keys)).toBeDefined();
  expect(knownDevice(proof, 'eve@example.com', keys)).toBeUndefined();
});

test('a sign-in again keeps the device as it was', () => {
  const proof = withAccount(undefined, jo, keys);
  expect(withAccount(proof, jo, keys)).toBe(proof);
});

test('of the accounts of one device the last five are known', () => {
  const family = Array.from({ length: 6 }, (_, index) => `${index}@example.com`);
  const proof = family.reduce<string | undefined>((before, email) => withAccount(before, email, keys), undefined);
  expect(family.map((email) => knownDevice(proof, email, keys) !== undefined)).toEqual([
    false,
    true,
    true,
    true,
    true,
    true,
  ]);
});

test('two devices of one person cannot be told to be of one person, and no address is in a proof', () => {
  const one = withAccount(undefined, jo, keys);
  const other = withAccount(undefined, jo, keys);
  const shared = one.split('.').filter((part) => other.split('.').includes(part));
  expect(shared).toEqual([keys.current.id]);
  expect(Buffer.from(one, 'base64url').toString('latin1')).not.toContain('jo@');
});

test('while its key is among the secrets a proof holds; the next sign-in renews it under the current one', () => {
  const both = keySet('r2', 'r1');
  const old = withAccount(undefined, jo, { ...both, current: both.find('r1') ?? both.current });
  expect(knownDevice(old, jo, both)).toBeDefined();
  const renewed = withAccount(old, jo, both);
  expect(renewed).toMatch(/^r2\./);
  expect(knownDevice(renewed, jo, both)).toBeDefined();
  expect(knownDevice(old, jo, keySet('r3'))).toBeUndefined();
});

test('a mark moved to the proof of another device proves nothing', () => {
  const [, , mark = ''] = withAccount(undefined, jo, keys).split('.');
  const stranger = withAccount(undefined, al, keys);
  expect(knownDevice(`${stranger}.${mark}`, jo, keys)).toBeUndefined();
});

test('nothing that is made up, cut or changed is a proof, and nothing is an error', () => {
  const proof = withAccount(undefined, jo, keys);
  const made = fc.oneof(
    fc.string(),
    fc.array(fc.base64String({ minLength: 20, maxLength: 24 })).map((parts) => ['r1', ...parts].join('.')),
    fc.nat(proof.length - 1).map((length) => proof.slice(0, length)),
    fc
      .tuple(fc.nat(proof.length - 1), fc.constantFrom('A', 'B', '.', '\u{1f511}', '='))
      .map(([at, text]) => proof.slice(0, at) + text + proof.slice(at + 1))
      .filter((text) => text !== proof),
  );
  fc.assert(
    fc.property(made, (text) => {
      expect(knownDevice(text, jo, keys)).toBeUndefined();
      const next = withAccount(text, jo, keys);
      expect(knownDevice(next, jo, keys)).toBeDefined();
      expect(next.length).toBeLessThan(200);
    }),
  );
});
