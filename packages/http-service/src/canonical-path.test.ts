import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isCanonical } from './canonical-path.ts';
import { otherSpellings } from './testing/other-spellings.ts';

const segment = fc.stringMatching(/^[\w~-][\w.~-]{0,8}$/);
const paths = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => `/${segments.join('/')}`);

describe('a target is canonical', () => {
  test.each([
    '/',
    '/a',
    '/shop/',
    '/a.b/.well-known/x-1~_',
    '/a?b=%2F//#',
    'http://localhost:8081/a',
    'https://[::1]/',
  ])('when it is %s', (target) => expect(isCanonical(target)).toBe(true));

  test.each([
    '',
    '*',
    'a',
    '//',
    '/a//b',
    '/.',
    '/a/..',
    '/a/./b',
    '/a%20b',
    '/a\\b',
    '/a#b',
    '/a;b',
    '/a\u00a0',
    '/ä',
  ])('and not when it is %j', (target) => expect(isCanonical(target)).toBe(false));
});

test('of all spellings of a path one is canonical, but for case and a slash at the end', () => {
  fc.assert(
    fc.property(paths, (path) => {
      expect(isCanonical(path)).toBe(true);
      const others = otherSpellings(path).filter(
        (other) => other.toLowerCase().replace(/\/$/, '') !== path.toLowerCase(),
      );
      expect(others.filter(isCanonical)).toEqual([]);
    }),
  );
});
