import { describe, expect, test } from '@jest/globals';
import type { PersistentVolumeClaim } from '../../runtime/core-kinds.ts';
import type { Member, SeenAgent } from '../members/observation.ts';
import { planMongodb } from '../plan.ts';
import { aStack, claim, held, seen } from '../testing/seen.ts';
import { serving, statefulSet, withAgent } from '../testing/sets.ts';
import { now } from '../testing/summary.ts';
import type { Case, Change } from '../testing/summary.ts';

describe('volumes', () => {
  const GIB = 2 ** 30;
  const sized = (ordinal: number, request: string, capacity = request): PersistentVolumeClaim => ({
    ...claim(ordinal),
    spec: { storageClassName: 'fast', resources: { requests: { storage: request } } },
    status: { phase: 'Bound', capacity: { storage: capacity } },
  });
  const filled = (
    members: readonly Member[],
    { percent, sizes }: { percent: number; sizes: readonly string[] },
  ): Member[] =>
    members.map((one) => {
      if (one.agent === 'unknown') return one;
      const [request = '10Gi', capacity = request] = (sizes[one.ordinal] ?? '10Gi').split('/');
      const space = { capacityBytes: 10 * GIB, availableBytes: 10 * GIB * (1 - percent / 100) };
      const volume = { ...one.agent.volume, ...space };
      return { ...one, claim: sized(one.ordinal, request, capacity), agent: { ...one.agent, volume } };
    });
  const growing = (storage: object, change: Change = {}): Change => ({
    ...{ stack: aStack({ mongodb: { storage: { className: 'fast', ...storage } } }), volumesCanGrow: true },
    ...change,
  });
  const grow = (ordinal: number, storage: string): object => ({
    patch: `data-shop-mongodb-${ordinal}`,
    spec: { resources: { requests: { storage } } },
  });
  const members = (percent: number, ...sizes: string[]): Member[] => filled(serving(3), { percent, sizes });

  test.each<Case>([
    [
      'grow when the spec does',
      growing({ size: '20Gi' }, { members: members(10, '10Gi', '20Gi', '10Gi') }),
      'True/AllMembersHealthy',
      [grow(0, '20Gi'), grow(2, '20Gi')],
    ],
    [
      'do not where their class cannot, and that is reported',
      growing({ size: '20Gi' }, { members: members(10), volumesCanGrow: false }),
      'True/VolumeCannotGrow',
      [],
    ],
    ['nearly full are reported', growing({ size: '10Gi' }, { members: members(91) }), 'True/VolumeFull', []],
    [
      'nearly full grow by half by themselves, where that is wanted',
      growing({ size: '10Gi', autoGrow: { maxSize: '100Gi' } }, { members: members(80) }),
      'True/AllMembersHealthy',
      [grow(0, '15Gi'), grow(1, '15Gi'), grow(2, '15Gi')],
    ],
    [
      'grow by themselves up to the limit',
      growing({ size: '10Gi', autoGrow: { maxSize: '12Gi' } }, { members: members(85) }),
      'True/AllMembersHealthy',
      [grow(0, '12Gi'), grow(1, '12Gi'), grow(2, '12Gi')],
    ],
    [
      'at the limit are reported',
      growing({ size: '10Gi', autoGrow: { maxSize: '10Gi' } }, { members: members(95) }),
      'True/VolumeFull',
      [],
    ],
    [
      'are not asked again while they grow',
      growing(
        { size: '10Gi', autoGrow: { maxSize: '100Gi' } },
        { members: members(85, '15Gi/10Gi', '15Gi/10Gi', '15Gi/10Gi') },
      ),
      'True/AllMembersHealthy',
      [],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });

  test('that are full are reported with the field that helps', () => {
    const full = {
      ...growing({ size: '10Gi' }),
      members: withAgent(filled(serving(3, { states: { 2: 'DOWN' } }), { percent: 10, sizes: [] }), 2, fullAndDown()),
    };
    expect(now(full).message).toContain('Raise spec.mongodb.storage.size, now 10Gi,');
  });

  test('a StatefulSet with claim templates of another size is replaced, and its pods stay', () => {
    const older = statefulSet({ volumeClaimTemplates: [sized(0, '10Gi')] });
    const change = growing({ size: '20Gi' }, { statefulSet: older, members: members(10, '20Gi', '20Gi', '20Gi') });
    const { actions } = planMongodb(seen(change));
    expect(actions).toContainEqual({
      ...{ type: 'delete', kind: expect.objectContaining({ kind: 'StatefulSet' }) },
      target: { namespace: 'auth', name: 'shop-mongodb', uid: 'set', propagation: 'Orphan' },
    });
    expect(actions).not.toContainEqual(
      expect.objectContaining({ type: 'apply', kind: expect.objectContaining({ kind: 'StatefulSet' }) }),
    );
  });

  function fullAndDown(): SeenAgent {
    const space = { capacityBytes: 10 * GIB, availableBytes: 0 };
    return { ...held, volume: { state: 'data', ...space }, gate: 'released' };
  }
});
