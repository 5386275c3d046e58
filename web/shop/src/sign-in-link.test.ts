import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { returnTo } from '../../sign-in/src/return-to.ts';
import { signInLink } from './sign-in-link.ts';

test('the sign-in page comes back to the shop', () => {
  expect(signInLink({ pathname: '/shop/', search: '' })).toBe('/?return_to=%2Fshop%2F');
});

test('whatever page of the shop it is called on, the sign-in page accepts the way back', () => {
  fc.assert(
    fc.property(fc.webPath(), fc.webQueryParameters(), (path, query) => {
      const here = new URL(`http://localhost:8080/shop/${path.replace(/^\/+/, '')}${query && `?${query}`}`);
      fc.pre(here.pathname.startsWith('/shop/'));
      const { search } = new URL(signInLink(here), here);
      expect(returnTo(search, here.origin)).toBe(here.href);
    }),
  );
});
