import { expect, test } from '@jest/globals';

import { isAtLeast, isWithinOneMinor } from './version.ts';

test.each([
  ['go version go1.26.8 linux/amd64', '1.26.6', true],
  ['go version go1.19 linux/amd64', '1.26.6', false],
  ['etcd Version: 3.6.8\nGit SHA: Not provided', '3.6.0', true],
  ['db version v8.0.1', '6.2', true],
  ['db version v6.0.27', '6.2', false],
  ['command not found', '1.0', false],
])('%j is at least %s: %s', (said, least, enough) => {
  expect(isAtLeast(said, least)).toBe(enough);
});

test('a client may be one minor away from its server, in both directions, and no further', () => {
  const minors = [32, 34, 35, 36, 37, 38];
  const usable = minors.filter((minor) => isWithinOneMinor(`Client Version: v1.${minor}.4-dispatcher`, '1.36.3'));
  expect(usable).toEqual([35, 36, 37]);
});
