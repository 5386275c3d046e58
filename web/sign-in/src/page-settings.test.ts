import { expect, test } from '@jest/globals';
import { readPageSettings } from './page-settings.ts';

const read = (json: string | undefined) => readPageSettings(json, 'shop.example.com');

test('what the service wrote into the page is read', () => {
  const settings = {
    title: 'Ticket shop',
    color: '#0f766e',
    supportUrl: 'mailto:help@example.com',
    passwordMinLength: 12,
  };
  expect(read(JSON.stringify(settings))).toEqual(settings);
});

test.each([
  ['nothing', undefined],
  ['no JSON', '{'],
  ['a list', '[]'],
  ['an empty title', '{"title":""}'],
  ['a name of a colour', '{"color":"red"}'],
  ['a script in place of a link', '{"supportUrl":"javascript:alert(1)"}'],
  ['a length in words', '{"passwordMinLength":"eight"}'],
])('the page goes by its host name, and all else is left out, where it finds %s', (_what, json) => {
  expect(read(json)).toEqual({ title: 'shop.example.com' });
});
