import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { normaliseEmail } from './email.ts';

test.each([
  [' Jo@Example.COM ', 'jo@example.com'],
  ['jo+tag@example.com', 'jo+tag@example.com'],
  ['jo@münchen.example', 'jo@xn--mnchen-3ya.example'],
  ['cafe\u0301@example.com', 'caf\u00e9@example.com'],
])('%j is stored as %j', (given, stored) => {
  expect(normaliseEmail(given)).toBe(stored);
});

test.each([
  '',
  '@',
  'jo',
  'jo@',
  '@example.com',
  'jo@localhost',
  'jo@@example.com',
  'a b@example.com',
  '.jo@example.com',
  'jo..e@example.com',
  'jo@-example.com',
  'jo@example..com',
  'jo@example.com.',
  'jo@[127.0.0.1]',
  '"jo"@example.com',
  'jo@exam\u0000ple.com',
  'jo\r\n@example.com',
  'ｊｏ@example.com',
  'jo@ｅxample.com',
  'ﬁ@example.com',
  '\ud800@example.com',
  `${'a'.repeat(65)}@example.com`,
  `jo@${'a.'.repeat(130)}com`,
])('%j is no address', (given) => {
  expect(normaliseEmail(given)).toBeUndefined();
});

test('what is stored is its own only spelling', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.emailAddress(),
        fc.string({ unit: 'grapheme' }).map((text) => `${text}@example.com`),
      ),
      (text) => {
        const stored = normaliseEmail(text);
        if (stored === undefined) return;
        expect(normaliseEmail(stored)).toBe(stored);
        expect(normaliseEmail(` ${text}\n`)).toBe(stored);
        expect(stored.normalize('NFKC')).toBe(stored);
      },
    ),
  );
});
