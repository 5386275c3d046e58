import { describe, expect, test } from '@jest/globals';
import { allVote, inSet, initiatedIdentity, member } from '../testing/seen.ts';
import { absent } from '../testing/sets.ts';
import { now, replaced } from '../testing/summary.ts';
import type { Case } from '../testing/summary.ts';

describe('credentials', () => {
  test.each<Case>([
    [
      'are stored before they are created in the database',
      { identity: initiatedIdentity({ formed: 0, credentials: '' }), rootUser: absent, authUser: absent },
      'False/CreatingUsers',
      [{ createRootUser: true }, { createAuthUser: true }],
    ],
    [
      'are then created, and that is stored',
      { identity: initiatedIdentity({ formed: 0, credentials: '' }) },
      'False/CreatingUsers',
      [{ ensureUsers: 'shop-mongodb-0' }, replaced({ credentials: 'root@1 auth@1' })],
    ],
    [
      'are carried into the database again when a Secret was created again',
      { rootUser: { state: 'present', fingerprint: '9', isCurrent: true } },
      'True/AllMembersHealthy',
      [{ ensureUsers: 'shop-mongodb-0' }, replaced({ credentials: 'root@9 auth@1' })],
    ],
    [
      'are never created where no primary was asked',
      {
        identity: initiatedIdentity({ formed: 0, credentials: '' }),
        members: [member(0, 'unknown'), member(1, inSet({ self: 'SECONDARY', votes: allVote }))],
      },
      'False/Starting',
      [],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });
});
