import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { returnTo } from './return-to.ts';

const ORIGIN = 'https://shop.example.com';
const asked = (path: string) => returnTo(`?return_to=${encodeURIComponent(path)}`, ORIGIN);

test.each([
  ['/shop/', `${ORIGIN}/shop/`],
  ['/shop/?page=2&sort=%2Fa#tickets', `${ORIGIN}/shop/?page=2&sort=%2Fa#tickets`],
  ['/', `${ORIGIN}/`],
  ['/caf\u00e9', `${ORIGIN}/caf%C3%A9`],
  ['/?next=https://evil.example', `${ORIGIN}/?next=https://evil.example`],
  // Paths that only look like another host
  ['/https://evil.example', `${ORIGIN}/https://evil.example`],
  ['/@evil.example', `${ORIGIN}/@evil.example`],
  ['/:80', `${ORIGIN}/:80`],
  ['/%2f%2fevil.example', `${ORIGIN}/%2f%2fevil.example`],
  ['/%5cevil.example', `${ORIGIN}/%5cevil.example`],
  ['/%09/evil.example', `${ORIGIN}/%09/evil.example`],
  ['/.//evil.example', `${ORIGIN}//evil.example`],
  ['/shop/..//evil.example', `${ORIGIN}//evil.example`],
])('a path of this origin is returned to: %s', (path, url) => {
  expect(asked(path)).toBe(url);
  expect(new URL(url).origin).toBe(ORIGIN);
});

test.each([
  ['nothing', ''],
  ['a relative path', 'shop/'],
  ['another origin', 'https://evil.example/'],
  ['this origin, written out', `${ORIGIN}/shop/`],
  ['another scheme', 'http://shop.example.com/'],
  ['another port', 'https://shop.example.com:8443/'],
  ['a host that begins like ours', 'https://shop.example.com.evil.example/'],
  ['user info before a foreign host', 'https://shop.example.com@evil.example/'],
  ['user info before our host', 'https://evil@shop.example.com/'],
  ['no scheme', '//evil.example'],
  ['no scheme, our host', '//shop.example.com/'],
  ['three slashes', '///evil.example'],
  ['a slash and a backslash', '/\\evil.example'],
  ['two backslashes', '\\\\evil.example'],
  ['a backslash and a slash', '\\/evil.example'],
  ['a backslash further on', '/shop\\..\\..\\/evil.example'],
  ['a scheme without slashes', 'https:evil.example'],
  ['a scheme with one slash', 'https:/evil.example'],
  ['a scheme with backslashes', 'https:\\\\evil.example'],
  ['a tab between the slashes', '/\t/evil.example'],
  ['a line feed between the slashes', '/\n/evil.example'],
  ['a carriage return between the slashes', '/\r/evil.example'],
  ['a tab before the slashes', '\t//evil.example'],
  ['a space before the slashes', ' //evil.example'],
  ['a space before the path', ' /shop/'],
  ['a space at the end', '/shop/ '],
  ['a zero byte', '/\u0000/evil.example'],
  ['a control character before the slashes', '\u0001//evil.example'],
  ['a no-break space before the slashes', '\u00a0//evil.example'],
  ['a full-width slash', '\uff0f\uff0fevil.example'],
  ['encoded slashes', '%2f%2fevil.example'],
  ['slashes encoded twice', '%252f%252fevil.example'],
  ['encoded backslashes', '%5c%5cevil.example'],
  ['javascript:', 'javascript:alert(1)'],
  ['javascript: behind a comment', 'javascript://shop.example.com/%0aalert(1)'],
  ['javascript: with a line feed inside', 'java\nscript:alert(1)'],
  ['data:', 'data:text/html,<script>alert(1)</script>'],
  ['blob: of our origin', `blob:${ORIGIN}/3f2c`],
  ['file:', 'file:///etc/passwd'],
  ['about:', 'about:blank'],
  ['a host without end', '//['],
  ['a path of 2 KiB and one more', `/${'a'.repeat(2048)}`],
  ['dots before a foreign host', '..//evil.example'],
  ['a query alone', '?page=2'],
  ['a fragment alone', '#sign-up'],
])('anything else is ignored: %s', (_what, path) => {
  expect(asked(path)).toBeUndefined();
});

test.each(['', '?', '?other=/shop/', '?RETURN_TO=/shop/', '?return_to', '?return_to=/a&return_to=//evil.example'])(
  'an address that does not ask for exactly one page is ignored: %s',
  (search) => {
    expect(returnTo(search, ORIGIN)).toBeUndefined();
  },
);

/** Whatever a browser, a mail client or an attacker may put together. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom('/', '//', '\\', '%2f', '%5c', '\t', '\n', '\r', ' ', '.', '..', ':', '@', '#', '?', '[', ']'),
      fc.constantFrom('https:', 'http:', 'javascript:', 'data:', 'blob:', 'evil.example', 'shop.example.com', ':8443'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));
const origins = fc.constantFrom(
  ORIGIN,
  'http://localhost:8080',
  'http://[::1]:8080',
  'http://demo.auth.localhost:8081',
);

test('wherever a link wants to lead, it leads to a page of this origin or nowhere', () => {
  const search = fc.oneof(
    hostile.map((path) => `?return_to=${encodeURIComponent(path)}`),
    hostile.map((path) => `?return_to=${encodeURIComponent(encodeURIComponent(path))}`),
    hostile.map((raw) => `?return_to=${raw}`),
    hostile.map((path) => `?return_to=${encodeURIComponent(`/${path}`)}`),
  );
  fc.assert(
    fc.property(search, origins, (text, origin) => {
      const url = returnTo(text, origin);
      if (url === undefined) return;
      // As `location.replace(url)` reads it, on whatever page of the origin it is called.
      const { origin: reached, protocol, username, password } = new URL(url, `${origin}/any/page`);
      expect({ reached, protocol, username, password }).toEqual({
        reached: origin,
        protocol: new URL(origin).protocol,
        username: '',
        password: '',
      });
    }),
    { numRuns: 5000 },
  );
});

test('every path of this origin leads back to itself', () => {
  fc.assert(
    fc.property(fc.webPath({ size: 'small' }), fc.webQueryParameters(), origins, (path, query, origin) => {
      const page = new URL(`${origin}/${path.replace(/^\/+/, '')}${query && `?${query}`}`);
      const search = `?return_to=${encodeURIComponent(page.pathname + page.search)}`;
      fc.pre(!page.pathname.startsWith('//'));
      expect(returnTo(search, origin)).toBe(page.href);
    }),
  );
});
