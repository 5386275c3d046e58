import { describe, expect, test } from '@jest/globals';
import { held, member } from '../testing/seen.ts';
import { now } from '../testing/summary.ts';

describe('a lost keyfile', () => {
  test('is recovered from a running member', () => {
    expect(now({ keyfile: { state: 'absent' } })).toMatchObject({
      ready: 'True/Degraded',
      does: [{ recoverKeyfile: 'shop-mongodb-0' }],
    });
  });

  test('is not taken from a member whose mongod does not run', () => {
    expect(now({ keyfile: { state: 'absent' }, members: [member(0, held)] }).does).toEqual([]);
  });
});
