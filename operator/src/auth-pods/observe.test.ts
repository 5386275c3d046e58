import { expect, test } from '@jest/globals';
import { variables } from '@authstack/auth-service/api';
import type { Pod } from '../runtime/core-kinds.ts';
import { authPodOf } from './observe.ts';

function aPod(env: Readonly<Record<string, string>>, metadata: object = {}): Pod {
  const containers = [{ name: 'auth', env: Object.entries(env).map(([name, value]) => ({ name, value })) }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'shop-auth-1', namespace: 'auth', ...metadata },
    spec: { containers } as Pod['spec'],
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [
        { name: 'auth', ready: true, restartCount: 0, state: { running: { startedAt: '2030-01-01T00:00:00Z' } } },
      ],
    },
  };
}

test('a pod is observed with what it was started with, whatever the spec wants by now', () => {
  const env = { [variables.accessTokenTtlSeconds]: '1800', [variables.jwksMaxAgeSeconds]: '300' };
  expect(authPodOf(aPod(env), 'notAsked')).toMatchObject({
    isReady: true,
    isTerminating: false,
    runningSince: [Date.UTC(2030, 0, 1)],
    settings: { accessTokenTtl: 1_800_000, jwksMaxAge: 300_000 },
  });
});

test('a setting that is missing or no number counts as 0', () => {
  const { settings } = authPodOf(aPod({ [variables.accessTokenTtlSeconds]: 'soon' }), 'notAsked');
  expect(settings).toEqual({ accessTokenTtl: 0, jwksMaxAge: 0 });
});
