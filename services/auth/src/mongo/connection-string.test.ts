import { expect, test } from '@jest/globals';
import { withoutSecrets } from './connection-string.ts';

test.each([
  ['the password', 'mongodb://someone:top-secret@db/'],
  ['a password that is escaped', 'mongodb://someone:top%2Dsecret@db/'],
  ['a password with an unescaped @', 'mongodb://someone:x@top-secret@db/'],
  ['a password that cannot be decoded', 'mongodb+srv://someone:top-secret%zz@db/'],
  ['what stands for a password without a name', 'mongodb://top-secret@db/'],
  ['the password of a key file', 'mongodb://db/?tls=true&tlsCertificateKeyFilePassword=top-secret'],
  ['a token of an authentication mechanism', 'mongodb://db/?authMechanismProperties=AWS_SESSION_TOKEN:top-secret&w=1'],
])('%s is taken out of a message, as written and as decoded', (_what, uri) => {
  const spoken = `cannot use ${uri}: refused "x@top-secret" and top-secret%zz, AWS_SESSION_TOKEN:top-secret`;
  expect(withoutSecrets(`cannot use ${uri}`, uri)).not.toContain('secret');
  expect(withoutSecrets(spoken, uri)).toContain('refused');
});

test('a message that tells no secret stays as it is', () => {
  const message = 'connect ECONNREFUSED 10.0.0.7:27017';
  expect(withoutSecrets(message, 'mongodb://someone:top-secret@10.0.0.7:27017/?w=majority')).toBe(message);
  expect(withoutSecrets(message, 'mongodb://10.0.0.7:27017/')).toBe(message);
  expect(withoutSecrets(message, '')).toBe(message);
});
