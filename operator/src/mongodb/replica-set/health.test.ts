import { expect, test } from '@jest/globals';
import { serving } from '../testing/sets.ts';
import { now } from '../testing/summary.ts';

test('a member in RECOVERING is reported with the command that helps if it stays there', () => {
  const { ready, message } = now({ members: serving(3, { states: { 1: 'RECOVERING' } }) });
  expect(ready).toBe('True/Degraded');
  expect(message).toMatch(
    /shop-mongodb-1 is RECOVERING\. .*kubectl -n auth annotate authstack shop authstack.dev\/resync-member=1/,
  );
});
