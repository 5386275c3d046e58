import { expect, test } from '@jest/globals';
import { held, noMember, released } from '../testing/seen.ts';
import { serving, withAgent } from '../testing/sets.ts';
import { now } from '../testing/summary.ts';
import type { Change } from '../testing/summary.ts';

test('a member in RECOVERING is reported with the command that helps if it stays there', () => {
  const { ready, message } = now({ members: serving(3, { states: { 1: 'RECOVERING' } }) });
  expect(ready).toBe('True/Degraded');
  expect(message).toMatch(
    /shop-mongodb-1 is RECOVERING\. .*kubectl -n auth annotate authstack shop authstack.dev\/resync-member=1/,
  );
});

test.each<[string, Change, string]>([
  ['no mongod runs in its pod', { members: withAgent(serving(3), 2, held) }, 'shop-mongodb-2 has no running mongod'],
  [
    'its mongod is about to start',
    { members: withAgent(serving(3), 2, { ...released('claim-2'), mongod: { state: 'down' } }) },
    'shop-mongodb-2 has no running mongod',
  ],
  [
    'its pod is gone',
    { members: serving(3).map((one) => (one.ordinal === 2 ? noMember(2) : one)) },
    'shop-mongodb-2 has no pod',
  ],
])('a member is not healthy when %s, although the primary has not missed a heartbeat yet', (_title, change, why) => {
  const { ready, message } = now(change);
  expect(ready).toBe('True/Degraded');
  expect(message).toContain(why);
});
