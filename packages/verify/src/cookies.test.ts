import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { IncomingMessage } from 'node:http';
import { cookieOf, removeCookies } from './cookies.ts';

const names = ['token', 'tok', '__Host-token', 'session'];

/** Every way in which a header could lead astray: names within names and values, white space, nothing, and `=` anywhere. */
const pieces = fc.constantFrom(...names, '=', '==', ';', ';;', ' ', '\t', '\u00a0', '"', 'a', '');
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

test('every cookie of the given names is removed from each header, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(headers, { minLength: 1, maxLength: 2 }), fc.subarray(names), (sent, removed) => {
      const keptOf = (header: string): string => {
        const pairs = header.split(';');
        const kept = pairs.filter((pair) => !removed.includes(pair.replace(/=.*$/s, '').trim()));
        return kept.length === pairs.length ? header : kept.join(';').trim();
      };
      const request = {
        headers: { cookie: sent.join('; ') } as IncomingMessage['headers'],
        rawHeaders: sent.flatMap((header) => ['Cookie', header]),
        cookies: Object.fromEntries(names.map((name) => [name, 'x'])),
      };
      const isChanged = keptOf(sent.join('; ')) !== sent.join('; ');
      removeCookies(request as unknown as IncomingMessage, removed);
      expect(request.headers.cookie ?? '').toBe(keptOf(sent.join('; ')));
      expect(request.rawHeaders.filter((_text, index) => index % 2 === 1)).toEqual(sent.map(keptOf));
      if (isChanged) expect(Object.keys(request.cookies)).toEqual(names.filter((name) => !removed.includes(name)));
    }),
    { numRuns: 1_000 },
  );
});
