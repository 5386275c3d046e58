import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cookieOf } from './cookies.ts';

const names = ['token', 'tok', '__Host-token', 'session'];

/** Every way in which a header could lead astray: names within names and values, white space, nothing, and `=` anywhere. */
const pieces = fc.constantFrom(...names, '=', '==', ';', ';;', ' ', '\t', '"', 'a', '');
const headers = fc.array(pieces, { maxLength: 20 }).map((parts) => parts.join(''));

test('the first value of a name is found, and nothing else is taken for it', () => {
  fc.assert(
    fc.property(headers, fc.constantFrom(...names), (header, name) => {
      const pairs = header
        .split(';')
        .filter((pair) => pair.includes('='))
        .map((pair) => [pair.replace(/=.*$/s, '').trim(), pair.replace(/^[^=]*=/, '').trim()] as const);
      expect(cookieOf(header, name)).toBe(pairs.find(([other]) => other === name)?.[1]);
    }),
    { numRuns: 1_000 },
  );
});
