import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApiServer } from '../../test/support/api-server.ts';
import type { ApiServer } from '../../test/support/api-server.ts';
import { applyTo } from '../../test/support/installed-operator.ts';
import { secretKind } from './runtime/core-kinds.ts';
import { eventually } from './runtime/testing/eventually.ts';
import { stackWith, startOperator } from './testing/operator-in-process.ts';
import type { OperatorInProcess } from './testing/operator-in-process.ts';

/** The operator on a machine whose clock is set, against a real API server whose clock is right. */

let ahead = -3_600_000;
let api: ApiServer;
let operator: OperatorInProcess;

beforeAll(async () => {
  api = await startApiServer({ crds: true });
  await api.kubectl(['create', 'namespace', 'auth']);
  operator = startOperator(api, () => Date.now() + ahead);
}, 120_000);

afterAll(async () => {
  await operator[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

test('no key is made while the clock is an hour behind, and the first ones are as soon as it is right', async () => {
  await applyTo(api, [stackWith('shop')]);
  const { message } = await eventually(
    async () => {
      const condition = await operator.keysReady('shop');
      expect(condition).toMatchObject({ status: 'False', reason: 'ClockSkew' });
      return condition ?? { message: '' };
    },
    { within: 30_000 },
  );
  expect(message).toMatch(/They differ by (3599|3600)(\.\d)? s, and more than 30 s/);
  expect(message).toContain('Pending: Creating the first signing keys');
  expect(await operator.find(secretKind, 'shop-signing-keys')).toBeUndefined();

  ahead = 0;
  await eventually(
    async () => {
      expect(await operator.keysReady('shop')).toMatchObject({ status: 'True', reason: 'UpToDate' });
    },
    { within: 60_000 },
  );
  expect(await operator.find(secretKind, 'shop-signing-keys')).toBeDefined();
}, 120_000);
