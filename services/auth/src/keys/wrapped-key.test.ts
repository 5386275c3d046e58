import { createHash, createHmac, randomBytes } from 'node:crypto';
import { CompactEncrypt, decodeProtectedHeader } from 'jose';
import { expect, test } from '@jest/globals';
import { ringKey } from '../testing/world.ts';
import { KeyNotUnwrapped, readWrappingKey, unwrapKey, wrapKey, wrappingKeyIdOf } from './wrapped-key.ts';
import type { PrivateJwk, WrappingKey } from './wrapped-key.ts';

const bytes = Buffer.from('a7f0c1d2e3b4958687786950413223140f1e2d3c4b5a69788796a5b4c3d2e1f0', 'hex');
const mine = read(bytes);
const other = read(randomBytes(32));
const k1 = ringKey('k1', 'active')['privateJwk'] as PrivateJwk;

function read(content: Uint8Array): WrappingKey {
  const key = readWrappingKey(content);
  if ('why' in key) throw new Error(key.why);
  return key;
}

function among(...keys: readonly WrappingKey[]): (id: string) => WrappingKey | undefined {
  return (id) => keys.find((key) => key.id === id);
}

test.each<[string, Uint8Array]>([
  ['32 bytes', bytes],
  ['base64', Buffer.from(bytes.toString('base64'))],
  ['base64 with a line break, as openssl and kubectl write it', Buffer.from(`${bytes.toString('base64')}\n`)],
  ['base64 without padding', Buffer.from(bytes.toString('base64').replace('=', ''))],
  ['base64url', Buffer.from(bytes.toString('base64url'))],
])('a wrapping key as %s is the same one', (_form, content) => {
  const key = read(content);
  expect(Buffer.from(key.bytes).equals(bytes)).toBe(true);
  expect(key.id).toBe(mine.id);
});

test('its id is derived under a label, is of no other key, and is no hash of it', () => {
  expect(mine.id).toBe(
    createHmac('sha256', bytes).update('authstack wrapping key id').digest('base64url').slice(0, 16),
  );
  expect(mine.id).not.toBe(other.id);
  for (const encoding of ['hex', 'base64', 'base64url'] as const) {
    expect(createHash('sha256').update(bytes).digest(encoding)).not.toContain(mine.id);
    expect(bytes.toString(encoding)).not.toContain(mine.id);
  }
});

test.each<[string, Buffer, string]>([
  ['nothing', Buffer.alloc(0), 'has 0 bytes'],
  ['16 bytes', randomBytes(16), 'has 16 bytes'],
  ['33 bytes', randomBytes(33), 'has 33 bytes'],
  ['64 hex digits', Buffer.from(randomBytes(32).toString('hex')), 'has 64 bytes'],
  ['base64 of 24 bytes', Buffer.from(randomBytes(24).toString('base64')), 'is a text of 32 characters'],
  ['base64 of 31 bytes', Buffer.from(`${randomBytes(31).toString('base64').slice(0, 42)}==`), 'has 44 bytes'],
  ['32 hex digits', Buffer.from(randomBytes(16).toString('hex')), 'is a text of 32 characters'],
  ['a password', Buffer.from('correct horse battery staple! 32'), 'is a text of 32 characters'],
  ['base64 of a password', Buffer.from(btoa('correct horse battery staple! 32')), 'is a text of 32 characters'],
  ['43 characters that are no base64', Buffer.from(`${'a'.repeat(42)}!`), 'has 43 bytes'],
])('%s is no wrapping key, and why tells nothing of it', (_what, content, why) => {
  const refused = readWrappingKey(content);
  expect(refused).toEqual({ why: expect.stringContaining(why) as unknown });
  const text = content.toString('latin1').trim();
  if (text !== '') expect(JSON.stringify(refused)).not.toContain(text);
});

test('what is wrapped says with which key and for which one, and reads back with that alone', async () => {
  const jwe = await wrapKey(k1, 'k1', mine);
  expect(decodeProtectedHeader(jwe)).toMatchObject({
    ...{ alg: 'A256GCMKW', enc: 'A256GCM', cty: 'jwk+json', kid: mine.id, wraps: 'k1' },
  });
  expect(wrappingKeyIdOf(jwe)).toBe(mine.id);
  await expect(unwrapKey(jwe, 'k1', among(other, mine))).resolves.toEqual(k1);
  await expect(unwrapKey(jwe, 'k1', among(other))).rejects.toMatchObject({
    ...{ name: 'KeyNotUnwrapped', code: 'absent', message: expect.stringContaining(mine.id) as unknown },
  });
});

test('no two are alike, and nothing private is in them', async () => {
  const [one, two] = await Promise.all([wrapKey(k1, 'k1', mine), wrapKey(k1, 'k1', mine)]);
  expect(one).not.toBe(two);
  const d = Buffer.from(k1['d'] as string, 'base64url');
  for (const part of one.split('.')) {
    expect(part).not.toContain(k1['d']);
    expect(Buffer.from(part, 'base64url').includes(d)).toBe(false);
  }
});

const parts = ['header', 'encrypted key', 'initialization vector', 'ciphertext', 'authentication tag'];
test.each(parts.map((part, index) => [part, index] as const))('a changed %s is noticed', async (_part, index) => {
  const jwe = await wrapKey(k1, 'k1', mine);
  const changed = jwe.split('.').map((part, at) => {
    const content = Buffer.from(part, 'base64url');
    content.writeUInt8(content.readUInt8(content.length - 1) ^ 1, content.length - 1);
    return at === index ? content.toString('base64url') : part;
  });
  await expect(unwrapKey(changed.join('.'), 'k1', among(mine))).rejects.toMatchObject({ code: 'damaged' });
});

test('one that is put in the place of another is noticed, also where its header is changed with it', async () => {
  const jwe = await wrapKey(k1, 'k1', mine);
  await expect(unwrapKey(jwe, 'k2', among(mine))).rejects.toMatchObject({ code: 'damaged' });
  const [header = '', ...rest] = jwe.split('.');
  const claims = JSON.parse(Buffer.from(header, 'base64url').toString()) as object;
  const renamed = Buffer.from(JSON.stringify({ ...claims, wraps: 'k2' })).toString('base64url');
  await expect(unwrapKey([renamed, ...rest].join('.'), 'k2', among(mine))).rejects.toMatchObject({ code: 'damaged' });
});

test('another key under the id is noticed', async () => {
  const jwe = await wrapKey(k1, 'k1', mine);
  const impostor = { id: mine.id, bytes: other.bytes };
  await expect(unwrapKey(jwe, 'k1', among(impostor))).rejects.toMatchObject({ code: 'damaged' });
});

test.each([
  ['dir', 'A256GCM'],
  ['A256KW', 'A256GCM'],
  ['A256GCMKW', 'A128GCM'],
  ['A256GCMKW', 'A256CBC-HS512'],
])('nothing but what the operator writes is unwrapped: not %s with %s', async (alg, enc) => {
  const jwe = await new CompactEncrypt(Buffer.from(JSON.stringify(k1)))
    .setProtectedHeader({ alg, enc, kid: mine.id, wraps: 'k1' })
    .encrypt(mine.bytes);
  await expect(unwrapKey(jwe, 'k1', among(mine))).rejects.toMatchObject({ code: 'damaged' });
});

test.each(['', 'secret', '..', 'a.b.c.d', 'a.b.c.d.e', `${btoa('{"kid":7}')}.b.c.d.e`, `${btoa('secret')}.b.c.d.e`])(
  'of %j, which is no wrapped key, no id is read and nothing repeated',
  async (text) => {
    expect(wrappingKeyIdOf(text)).toBeUndefined();
    const refused: unknown = await unwrapKey(text, 'k1', among(mine)).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(KeyNotUnwrapped);
    expect(String(refused)).not.toContain('secret');
  },
);
