import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { domainText, emailText } from './email-text.ts';

test.each([
  ['ada@example.com', 'ada@example.com'],
  ['ada@xn--mnchen-3ya.de', 'ada@münchen.de'],
  ['ada@mail.xn--fsqu00a.xn--0zwm56d', 'ada@mail.例子.测试'],
  ['j\u00fcrgen@xn--strae-oqa.example', 'jürgen@straße.example'],
])('%s is shown as people write it: %s', (stored, shown) => {
  expect(emailText(stored)).toBe(shown);
});

test.each([
  ['ada@xn--a.de', 'is no Punycode'],
  ['ada@xn--xn---epa.de', 'is one label in the other'],
  ['ada@xn--exmple-9cf.com-.de', 'is no domain'],
  ['nobody', 'is no address'],
  ['', 'is nothing'],
])('%s is shown as it is stored, for it %s', (stored) => {
  expect(emailText(stored)).toBe(stored);
});

test('whatever is stored, what is shown would be stored as the same', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }), { maxLength: 3 }), (labels) => {
      const url = `https://${[...labels, 'example'].join('.')}`;
      fc.pre(URL.canParse(url));
      const stored = new URL(url).hostname;
      expect(new URL(`https://${domainText(stored)}`).hostname).toBe(stored);
    }),
    { numRuns: 2000 },
  );
});

test('a port stays', () => {
  expect(domainText('xn--mnchen-3ya.de:8443')).toBe('münchen.de:8443');
  expect(domainText('localhost:8080')).toBe('localhost:8080');
});
