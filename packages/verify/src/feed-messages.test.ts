import { expect, test } from '@jest/globals';
import { FeedUnreadable, readKeys } from './feed-messages.ts';
import { signingKey } from './testing/issuer.ts';

const { publicJwk } = signingKey('k1');
const good = { keys: [publicJwk], signingKid: 'k1', revokedKids: ['k0'], version: 3, asOf: 1 };

function read(data: unknown, type = 'keys-changed') {
  return readKeys({ type, id: undefined, data: typeof data === 'string' ? data : JSON.stringify(data) });
}

test.each(['snapshot', 'keys-changed'])('the keys of a %s', (type) => {
  const keys = read({ ...good, comesLater: true }, type);
  expect([keys?.version, keys?.revokedKids, [...(keys?.keys.keys() ?? [])]]).toEqual([3, ['k0'], ['k1']]);
});

test('a key that this version does not know leaves the others in force', () => {
  const keys = read({ ...good, keys: [{ kty: 'AKP', kid: 'k9', alg: 'ML-DSA-44' }, 7, publicJwk] });
  expect([...(keys?.keys.keys() ?? [])]).toEqual(['k1']);
});

test.each(['heartbeat', 'message', 'token-claims-change', 'constructor'])('a %s tells of no keys', (type) => {
  expect(read('{', type)).toBeUndefined();
});

test.each<[string, unknown]>([
  ['no JSON', '{"keys":'],
  ['no object', [good]],
  ['no keys', { ...good, keys: undefined }],
  ['keys that are no list', { ...good, keys: {} }],
  ['no revoked kids', { ...good, revokedKids: undefined }],
  ['revoked kids that are none', { ...good, revokedKids: [7] }],
  ['no version', { ...good, version: undefined }],
  ['a version that is a text', { ...good, version: '3' }],
  ['a version below 0', { ...good, version: -1 }],
  ['a version that is no whole number', { ...good, version: 1.5 }],
])('an event with %s is unreadable, and nothing of it is repeated', (_what, data) => {
  let thrown: unknown;
  try {
    read(data);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(FeedUnreadable);
  expect(String(thrown)).not.toContain('k1');
});
