import { describe, expect, test } from '@jest/globals';
import type { Initiated } from '../../stored/identity.ts';
import type { Member, MongodbObservation, SeenAgent } from '../members/observation.ts';
import { NOW, aStack, claim, held, inSet, initiatedIdentity, member, pod } from '../testing/seen.ts';
import { fenced, pair, reconfigure, serving } from '../testing/sets.ts';
import { now, replaced } from '../testing/summary.ts';
import type { Case } from '../testing/summary.ts';

const asking = (
  name: string,
  ordinal: number | string,
  rest: Parameters<typeof aStack>[0] = {},
): MongodbObservation['stack'] =>
  aStack({ ...rest, annotations: { [`authstack.dev/${name}-member`]: String(ordinal) } });
const rebuilding = (what: 'data' | 'volume', ordinal = 2): Initiated =>
  initiatedIdentity({ rebuilding: { what, ordinal, claimUid: `claim-${ordinal}` }, nextMemberId: 9 });
const withoutLast = (agent: SeenAgent, change: Partial<Member> = {}): Member[] => [
  member(0, inSet({ self: 'PRIMARY', votes: pair })),
  member(1, inSet({ self: 'SECONDARY', votes: pair })),
  member(2, agent, change),
];
const removed = inSet({ self: 'REMOVED', votes: [] });

describe('a member that is rebuilt', () => {
  test.each<Case>([
    [
      'it is stored first',
      { stack: asking('replace', 2) },
      'True/AllMembersHealthy',
      [replaced({ rebuilding: 'volume 2 claim-2' })],
    ],
    [
      'then it leaves the set',
      { stack: asking('replace', 2), identity: rebuilding('volume') },
      'True/AllMembersHealthy',
      [reconfigure(pair)],
    ],
    [
      'a primary steps down before',
      { stack: asking('resync', 0), identity: rebuilding('data', 0) },
      'True/AllMembersHealthy',
      [{ stepDown: 'shop-mongodb-0' }],
    ],
    [
      'not where the others have no majority',
      {
        ...{ stack: asking('replace', 2), identity: rebuilding('volume') },
        members: serving(3, { states: { 1: 'DOWN' } }),
      },
      'True/Degraded',
      [],
    ],
    [
      'then volume and pod go',
      { stack: asking('replace', 2), identity: rebuilding('volume'), members: withoutLast('unknown') },
      'True/Degraded',
      [{ delete: 'data-shop-mongodb-2' }, { delete: 'shop-mongodb-2' }],
    ],
    [
      'a pod that ends gets its time',
      {
        ...{ stack: asking('replace', 2), identity: rebuilding('volume') },
        members: withoutLast('unknown', { ...endingAt(NOW + 1), claim: claim(2, { deletionTimestamp: 'now' }) }),
      },
      'True/Degraded',
      [],
    ],
    [
      'a pod whose kubelet never says that it ended is removed',
      {
        ...{ stack: asking('replace', 2), identity: rebuilding('volume') },
        members: withoutLast('unknown', { ...endingAt(NOW - 1), claim: claim(2, { deletionTimestamp: 'now' }) }),
      },
      'True/Degraded',
      [{ delete: 'shop-mongodb-2', gracePeriodSeconds: 0 }],
    ],
    [
      'with another volume the request is granted',
      {
        ...{ stack: asking('replace', 2), identity: rebuilding('volume') },
        members: withoutLast(held, { claim: claim(2, { uid: 'claim-new' }) }),
      },
      'True/Degraded',
      [replaced({ rebuilding: '', rebuilt: 'volume 2' })],
    ],
    [
      'and not again for as long as it is asked for',
      { stack: asking('replace', 2), identity: initiatedIdentity({ rebuilt: [{ what: 'volume', ordinal: 2 }] }) },
      'True/AllMembersHealthy',
      [],
    ],
    [
      'until the annotation is removed',
      { identity: initiatedIdentity({ rebuilt: [{ what: 'volume', ordinal: 2 }] }) },
      'True/AllMembersHealthy',
      [replaced({ rebuilt: '' })],
    ],
    [
      'another request is granted on its own',
      { stack: asking('resync', 2), identity: initiatedIdentity({ rebuilt: [{ what: 'volume', ordinal: 2 }] }) },
      'True/AllMembersHealthy',
      [replaced({ rebuilding: 'data 2 claim-2' })],
    ],
    [
      'on its own volume it is fenced once it has left',
      { stack: asking('resync', 2), identity: rebuilding('data'), members: withoutLast(removed) },
      'True/Degraded',
      [{ fence: 'shop-mongodb-2', fenced: true }],
    ],
    [
      'then its mongod ends',
      { stack: asking('resync', 2), identity: rebuilding('data'), members: withoutLast(fenced(removed)) },
      'True/Degraded',
      [{ delete: 'shop-mongodb-2' }],
    ],
    [
      'one that has not come to its gate yet will be held there',
      {
        ...{ stack: asking('resync', 2), identity: rebuilding('data') },
        members: withoutLast(fenced({ ...held, gate: 'unknown' })),
      },
      'True/Degraded',
      [],
    ],
    [
      'then the volume is emptied',
      {
        ...{ stack: asking('resync', 2), identity: rebuilding('data') },
        members: withoutLast(fenced({ ...held, volume: { state: 'unreadable' } })),
      },
      'True/Degraded',
      [{ wipe: 'shop-mongodb-2', pvcUid: 'claim-2' }],
    ],
    [
      'emptied, the request is granted',
      { stack: asking('resync', 2), identity: rebuilding('data'), members: withoutLast(held) },
      'True/Degraded',
      [replaced({ rebuilding: '', rebuilt: 'data 2' })],
    ],
    [
      'a request that is withdrawn changes nothing more',
      { identity: rebuilding('data') },
      'True/AllMembersHealthy',
      [replaced({ rebuilding: '' })],
    ],
    [
      'a member whose Node was deleted is replaced unasked',
      { members: withoutLastNode() },
      'True/Degraded',
      [replaced({ rebuilding: 'volume 2 claim-2' })],
    ],
    [
      'a granted request stays valid when the member is gone since',
      {
        stack: asking('replace', 2, { members: 1 }),
        identity: initiatedIdentity({ rebuilt: [{ what: 'volume', ordinal: 2 }], members: 1, formed: 1 }),
        members: serving(1),
      },
      'True/AllMembersHealthy',
      [],
    ],
    [
      'a second request is granted beside the first',
      {
        stack: aStack({
          annotations: { 'authstack.dev/replace-member': '2', 'authstack.dev/resync-member': '1' },
        }),
        identity: initiatedIdentity({ rebuilt: [{ what: 'volume', ordinal: 2 }] }),
      },
      'True/AllMembersHealthy',
      [replaced({ rebuilding: 'data 1 claim-1' })],
    ],
    [
      'and stored beside it',
      {
        stack: aStack({
          annotations: { 'authstack.dev/replace-member': '2', 'authstack.dev/resync-member': '2' },
        }),
        identity: initiatedIdentity({
          rebuilt: [{ what: 'volume', ordinal: 2 }],
          rebuilding: { what: 'data', ordinal: 2, claimUid: 'claim-2' },
        }),
        members: withoutLast(held),
      },
      'True/Degraded',
      [replaced({ rebuilding: '', rebuilt: 'volume 2,data 2' })],
    ],
    ['a member that does not exist', { stack: asking('replace', 7) }, 'True/RequestInvalid', []],
    ['a member that is none', { stack: asking('resync', 'all') }, 'True/RequestInvalid', []],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });

  function endingAt(at: number): Partial<Member> {
    const { metadata, ...rest } = pod(2);
    return { pod: { ...rest, metadata: { ...metadata, deletionTimestamp: new Date(at).toISOString() } } };
  }

  function withoutLastNode(): Member[] {
    return serving(3, { states: { 2: 'DOWN' } }).map((one) =>
      one.ordinal === 2 ? { ...one, agent: 'unknown', isNodeGone: true } : one,
    );
  }
});
