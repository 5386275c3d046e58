import { describe, expect, test } from '@jest/globals';
import { authStackSpecSchema } from '../api/auth-stack.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { DatabaseUser } from './observe.ts';
import { planExternalDatabase } from './plan.ts';

const NOW = Date.UTC(2030, 0, 1);

describe('an external database', () => {
  const stack: AuthStack = {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name: 'shop', namespace: 'auth', uid: 'stack-1' },
    spec: authStackSpecSchema.parse({
      publicURL: 'https://shop.example.com',
      auth: { audience: ['shop'] },
      mongodb: { external: { uriSecretRef: { name: 'atlas' } } },
    }),
  };
  const user = (pod: string, database: DatabaseUser['database'], isReady = false): DatabaseUser => ({
    ...{ pod, database, isReady },
  });
  const condition = (users: readonly DatabaseUser[]): { ready: string; message: string } => {
    const [{ status, reason, message } = { status: '', reason: '', message: '' }] = planExternalDatabase({
      ...{ stack, now: NOW, users },
    }).conditions;
    return { ready: `${status}/${reason}`, message };
  };

  test.each<[string, string, readonly DatabaseUser[], string]>([
    ['True/External', 'it answers', [user('a', { up: true }), user('b', { up: true })], '2 of 2'],
    ['True/External', 'nobody can be asked, and it was reached', [user('a', 'unknown', true)], 'cannot ask'],
    [
      'True/Degraded',
      'one is cut off',
      [user('a', { up: true }), user('b', { up: false, problem: 'no way' })],
      'b cannot',
    ],
    [
      'True/Degraded',
      'it refuses a changed connection string, and the one before stays in use',
      [user('a', { up: true, problem: 'no way' })],
      'a cannot',
    ],
    [
      'False/ExternalUnreachable',
      'it refuses',
      [user('a', { up: false, problem: 'no way' }, true)],
      'no way; check that',
    ],
    ['Unknown/ExternalNotTried', 'nobody has tried', [user('a', { up: false }), user('b', 'unknown')], 'has tried'],
    ['Unknown/ExternalNotTried', 'there is nobody', [], 'has tried'],
  ])('is %s when %s', (...[ready, , users, message]) => {
    expect(condition(users)).toMatchObject({ ready, message: expect.stringContaining(message) });
  });
});
