import { expect, test } from '@jest/globals';
import { planMongodb } from '../plan.ts';
import { SET, host, seen } from '../testing/seen.ts';

test('the status names set, primary, versions and members', () => {
  expect(planMongodb(seen()).status.mongodb).toEqual({
    replicaSetId: SET,
    primary: 'shop-mongodb-0',
    version: '8.0',
    featureCompatibilityVersion: '8.0',
    members: [
      { name: 'shop-mongodb-0', state: 'PRIMARY', health: 'Healthy' },
      { name: 'shop-mongodb-1', state: 'SECONDARY', health: 'Healthy', optimeLagSeconds: 0 },
      { name: 'shop-mongodb-2', state: 'SECONDARY', health: 'Healthy', optimeLagSeconds: 0 },
    ],
  });
  expect(host(0)).toBe('shop-mongodb-0.shop-mongodb.auth.svc:27017');
});
