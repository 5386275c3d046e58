import { describe, expect, test } from '@jest/globals';
import { SET, inSet, member, seen } from '../testing/seen.ts';
import { absent, alone } from '../testing/sets.ts';
import { now } from '../testing/summary.ts';
import type { Case } from '../testing/summary.ts';

describe('a lost identity', () => {
  test.each<Case>([
    [
      'is recovered from what the primary reports, and people are served meanwhile',
      { identity: absent },
      'True/Degraded',
      [
        {
          create: 'shop-mongodb-identity',
          ...{ state: 'initiated', 'replica-set-id': SET, version: '8.0', 'next-member-id': '3', formed: '3' },
        },
      ],
    ],
    [
      'keeps the version that runs, whatever the default is now',
      { identity: absent, images: { ...seen().images, defaultVersion: '6.0' } },
      'True/Degraded',
      [expect.objectContaining({ create: 'shop-mongodb-identity', version: '8.0' })],
    ],
    [
      'is not recovered where members disagree',
      {
        identity: absent,
        members: [
          member(0, inSet({ self: 'PRIMARY', votes: alone })),
          member(1, inSet({ self: 'PRIMARY', votes: [[1, 1]], replicaSetId: '65a0000000000000000000ff' })),
        ],
      },
      'False/ForeignData',
      [],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });
});
