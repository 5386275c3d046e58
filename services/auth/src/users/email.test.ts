import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { normaliseEmail } from './email.ts';

test.each([
  [' Jo@Example.COM ', 'jo@example.com'],
  ['jo+tag@example.com', 'jo+tag@example.com'],
  ['jo@münchen.example', 'jo@xn--mnchen-3ya.example'],
  ['cafe\u0301@example.com', 'caf\u00e9@example.com'],
  ['ΣΟΦΟΣ@example.com', 'σοφοσ@example.com'],
  ['σοφος@example.com', 'σοφοσ@example.com'],
  ['straße@example.com', 'straße@example.com'],
  ['jo@straße.example', 'jo@xn--strae-oqa.example'],
  ['jo@xn--mnchen-3ya.example', 'jo@xn--mnchen-3ya.example'],
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
  'jo@example.com/x',
  'jo@example.com?x',
  'jo@example.com#x',
  'jo@example.com\\x',
  'jo@example.com:25',
  'jo@exa%6dple.com',
  'jo@example\u3002com',
  'jo@1',
  'jo@1.2',
  'jo@192.0.2.1',
  'jo@192.0.2.0x1',
  'jo@xn--a.example',
  'jo\u034f@example.com',
  'jo\ufe0f@example.com',
  'j\u200bo@example.com',
  'j\u200do@example.com',
  'j\u00ado@example.com',
  'jo\u115f@example.com',
  'jo@exam\u034fple.com',
  'jo@exam\u00adple.com',
  '\u0301jo@example.com',
  'jo.\u0301e@example.com',
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

// Letters whose cases are several, depend on their place, or are more than one letter.
const letters = Array.from('abzßẞıİiIſσςΣέΐǰჾꭰᏸöÖжЖñÅåკ');
const writtenLocal = fc.string({
  unit: fc.oneof(fc.constantFrom(...letters), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 })),
  minLength: 1,
  maxLength: 12,
});

/** As somebody else's keyboard or shift key would write it, letter by letter. */
function rewritten(text: string, upper: readonly boolean[]): string {
  const written = Array.from(text, (letter, index) => {
    const other = letter.toUpperCase();
    const isOneLetter = /^\p{L}$/u.test(letter) && new RegExp(`^${letter}$`, 'iu').test(other);
    return upper[index] === true && isOneLetter ? other : letter;
  });
  return written.join('').normalize('NFD');
}

test('addresses that differ in case or composition alone are one account', () => {
  fc.assert(
    fc.property(writtenLocal, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (text, upper) => {
      const stored = normaliseEmail(`${text}@example.com`);
      fc.pre(stored !== undefined);
      expect(normaliseEmail(`${rewritten(text.normalize('NFC'), upper)}@EXAMPLE.com`)).toBe(stored);
      expect(normaliseEmail(stored)).toBe(stored);
    }),
  );
});

test('a domain with anything but letters, digits, hyphens and dots is no domain', () => {
  const other = fc
    .string({ unit: 'binary', maxLength: 20 })
    .filter((tail) => /[^\p{L}\p{M}\p{N}.-]/u.test(tail.trimEnd()));
  fc.assert(
    fc.property(other, (tail) => {
      expect(normaliseEmail(`jo@example.com${tail}`)).toBeUndefined();
      expect(normaliseEmail(`jo@${tail}example.com`)).toBeUndefined();
    }),
    { numRuns: 1_000 },
  );
});
