import { expect, test } from '@jest/globals';
import { readEnvironment } from './environment.ts';

const chartSets = {
  POD_NAME: 'auth-stack-1',
  POD_NAMESPACE: 'authstack-system',
  AUTHSTACK_NAMESPACES: 'auth, shop',
  AUTHSTACK_AUTH_IMAGE: 'authstack/auth:0.1.0',
  AUTHSTACK_AGENT_IMAGE: 'authstack/mongodb-agent:0.1.0',
  AUTHSTACK_MONGODB_IMAGES: '{"6.0":"docker.io/library/mongo:6.0"}',
  AUTHSTACK_MONGODB_DEFAULT_VERSION: '6.0',
  AUTHSTACK_LEASE: 'auth-stack',
  AUTHSTACK_LEASE_SECONDS: '20',
};

test('reads what the chart sets', () => {
  expect(readEnvironment(chartSets)).toMatchObject({
    namespaces: ['auth', 'shop'],
    images: { mongodb: { '6.0': 'docker.io/library/mongo:6.0' }, pullPolicy: 'IfNotPresent' },
    leaderElection: { namespace: 'authstack-system', name: 'auth-stack', lease: 20_000 },
    probePort: 9090,
    logLevel: 'info',
  });
});

test('no list of namespaces means all of them, no lease that this process is alone', () => {
  const { namespaces, leaderElection } = readEnvironment({
    ...chartSets,
    AUTHSTACK_NAMESPACES: '',
    AUTHSTACK_LEASE: '',
  });
  expect({ namespaces, leaderElection }).toEqual({ namespaces: [], leaderElection: undefined });
});

test('every variable that is wrong is named in one error', () => {
  const environment = { ...chartSets, POD_NAME: undefined, AUTHSTACK_AUTH_IMAGE: ' ', AUTHSTACK_MONGODB_IMAGES: '{' };
  expect(() => readEnvironment(environment)).toThrow(
    /AUTHSTACK_AUTH_IMAGE is not the name of an image\n.*AUTHSTACK_MONGODB_IMAGES is not JSON\n.*POD_NAME is not set/,
  );
});

test.each([
  [
    'a default version without an image',
    { AUTHSTACK_MONGODB_DEFAULT_VERSION: '8.0' },
    'AUTHSTACK_MONGODB_DEFAULT_VERSION',
  ],
  ['a lease without a namespace', { POD_NAMESPACE: undefined }, 'POD_NAMESPACE'],
  ['a namespace that is no name', { AUTHSTACK_NAMESPACES: 'Auth' }, 'AUTHSTACK_NAMESPACES'],
  ['a lease too short to renew', { AUTHSTACK_LEASE_SECONDS: '5' }, 'AUTHSTACK_LEASE_SECONDS'],
  ['a port that is none', { AUTHSTACK_PROBE_PORT: 'x' }, 'AUTHSTACK_PROBE_PORT'],
])('%s is named', (...[, change, named]) => {
  expect(() => readEnvironment({ ...chartSets, ...change })).toThrow(named);
});
