import { variables } from '@authstack/auth-service/api';
import { expect, test } from '@jest/globals';
import { readEnvironment } from '../../../services/auth/src/environment.ts';
import type { Settings } from '../../../services/auth/src/environment.ts';
import { authStackSpecSchema } from '../api/auth-stack.ts';
import { authDeployment } from './deployment.ts';
import type { DeploymentOptions } from './deployment.ts';
import type { NotedLifetimes } from './types.ts';

type Variables = readonly { readonly name: string; readonly value: string }[];

interface Template {
  readonly containers: readonly [
    {
      readonly env: Variables;
      readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
    },
  ];
  readonly volumes: readonly { readonly name: string; readonly secret?: object }[];
}

/** The environment of the auth pods of a stack with this `spec.auth`, whose keys were stored with these lifetimes. */
function environmentOf(auth: object, notedLifetimes?: NotedLifetimes): Record<string, string> {
  const [{ env }] = templateOf(auth, { notedLifetimes }).containers;
  return Object.fromEntries(env.map(({ name, value }) => [name, value]));
}

function templateOf(auth: object, options: Partial<DeploymentOptions>): Template {
  const stack = {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name: 'shop', namespace: 'auth', uid: 'u1' },
    spec: authStackSpecSchema.parse({ publicURL: 'https://shop.example.com', auth: { audience: ['shop'], ...auth } }),
  };
  const images = { auth: 'authstack/auth:1', pullPolicy: 'IfNotPresent' } as const;
  const deployment = authDeployment(stack, {
    images,
    mountsInitialAdmin: false,
    wrappingSecrets: [],
    replicas: 2,
    notedLifetimes: undefined,
    ...options,
  }) as unknown as { spec: { template: { spec: Template } } };
  return deployment.spec.template.spec;
}

/** What the service makes of it. */
const settingsOf = (auth: object): Settings => readEnvironment(environmentOf(auth));

test('the auth service is told how its page presents itself', () => {
  const page = { title: 'Ticket shop', color: '#0f766e', supportURL: 'https://example.com/help?a=b' };
  expect(settingsOf({ page }).page).toEqual({
    title: 'Ticket shop',
    color: '#0f766e',
    supportUrl: 'https://example.com/help?a=b',
  });
});

test('what is not said of the page is no variable, so that a stack without it keeps the pods it has', () => {
  expect(Object.keys(environmentOf({})).filter((name) => name.includes('PAGE'))).toEqual([]);
  expect(environmentOf({ page: {} })).toEqual(environmentOf({}));
});

test('the auth service is told where the clients are mounted, for its listener for services', () => {
  const { files, ports } = settingsOf({});
  expect(files.clients).toBe('/etc/authstack/clients/clients.json');
  expect(ports.services).toBe(8443);
});

test.each([
  ['a longer one only once it is stored', { asked: '4h', stored: 30, given: 30 }],
  ['a shorter one at once', { asked: '5m', stored: 30, given: 5 }],
  ['what the spec says where nothing is stored that can be read', { asked: '4h', stored: undefined, given: 240 }],
])('of lifetimes pods get %s', (_what, { asked, stored, given }) => {
  const noted = stored === undefined ? undefined : { accessTokenTtl: stored * 60_000, jwksMaxAge: 60_000 };
  expect(environmentOf({ accessTokenTTL: asked }, noted)).toMatchObject({
    [variables.accessTokenTtlSeconds]: String(given * 60),
    // The default is five minutes.
    [variables.jwksMaxAgeSeconds]: noted ? '60' : '300',
  });
});

test('pods mount the Secrets with wrapping keys, start without them, and read every one of them', () => {
  const { volumes, containers } = templateOf({}, { wrappingSecrets: ['custody', 'former'] });
  const [{ env, volumeMounts }] = containers;
  const mounted = volumeMounts.filter(({ name }) => name.endsWith('wrapping-keys'));
  expect(mounted).toEqual([
    { name: 'wrapping-keys', mountPath: '/etc/authstack/wrapping-keys', readOnly: true },
    { name: 'former-wrapping-keys', mountPath: '/etc/authstack/former-wrapping-keys', readOnly: true },
  ]);
  expect(volumes.filter(({ name }) => name.endsWith('wrapping-keys')).map(({ secret }) => secret)).toEqual([
    { secretName: 'custody', defaultMode: 0o440, optional: true },
    { secretName: 'former', defaultMode: 0o440, optional: true },
  ]);
  const settings = readEnvironment(Object.fromEntries(env.map(({ name, value }) => [name, value])));
  expect(settings.files.wrappingKeyDirs).toEqual(mounted.map(({ mountPath }) => mountPath));
});

test('a stack without wrapping keys keeps the pods it has', () => {
  expect(JSON.stringify(templateOf({}, {}))).not.toMatch(/wrapping/i);
});
