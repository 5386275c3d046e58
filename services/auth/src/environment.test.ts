import { expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { variables } from './api.ts';
import { readEnvironment } from './environment.ts';
import { environmentOf } from './testing/world.ts';
import { clientAddresses } from './throttles/client-address.ts';

const mount = {
  directory: '/etc/authstack',
  swap: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
const complete = environmentOf({ keys: mount, secrets: mount, mongodb: mount });

test('a complete environment is read, with its defaults', () => {
  const { AUTHSTACK_PORT: _, AUTHSTACK_PROBE_PORT: __, AUTHSTACK_DRAIN_SECONDS: ___, ...rest } = complete;
  expect(readEnvironment({ ...rest, AUTHSTACK_AUDIENCES: 'shop, admin' })).toMatchObject({
    audiences: ['shop', 'admin'],
    accessTokenTtl: 1_800_000,
    ports: { public: 8080, ops: 9090, operator: 9443 },
    drain: 5_000,
    trustedProxies: ['10.0.0.0/8'],
  });
});

test('no trusted proxy is a setting like any other', () => {
  expect(readEnvironment({ ...complete, AUTHSTACK_TRUSTED_PROXIES: '' }).trustedProxies).toEqual([]);
});

test('every variable that is not set is named at once', () => {
  const unset = ['AUTHSTACK_ISSUER', 'AUTHSTACK_SESSION_TTL_SECONDS', 'AUTHSTACK_SECRETS_FILE'];
  const read = () => readEnvironment({ ...complete, ...Object.fromEntries(unset.map((name) => [name, ''])) });
  expect(read).toThrow(unset.map((name) => `${name}: is not set`).join('\n  '));
});

test.each([
  ['AUTHSTACK_ISSUER', 'https://shop.example.com/'],
  ['AUTHSTACK_ISSUER', 'https://shop.example.com/path'],
  ['AUTHSTACK_ISSUER', 'http://shop.example.com'],
  ['AUTHSTACK_ISSUER', 'shop'],
  ['AUTHSTACK_AUDIENCES', ' , '],
  ['AUTHSTACK_ACCESS_TOKEN_TTL_SECONDS', '0'],
  ['AUTHSTACK_SESSION_TTL_SECONDS', '30d'],
  ['AUTHSTACK_INLINE_REFRESH', 'yes'],
  ['AUTHSTACK_TRUSTED_PROXIES', '10.0.0.1'],
  ['AUTHSTACK_TRUSTED_PROXIES', '10.0.0.0/33'],
  ['AUTHSTACK_PASSWORD_MIN_LENGTH', '4'],
  ['AUTHSTACK_PAGE_TITLE', 'x'.repeat(61)],
  ['AUTHSTACK_PAGE_COLOR', 'red'],
  ['AUTHSTACK_PAGE_SUPPORT_URL', 'javascript:alert(1)'],
  ['AUTHSTACK_PORT', '65536'],
  ['AUTHSTACK_DRAIN_SECONDS', '-1'],
  ['AUTHSTACK_SIGNING_KEYS_FILE', 'ring.json'],
])('%s=%s is refused by name', (name, value) => {
  expect(() => readEnvironment({ ...complete, [name]: value })).toThrow(name);
});

test.each(['0.0.0.0/0', '::/0', '128.0.0.0/1', '8000::/1', '10.0.0.0/7', 'fc00::/6'])(
  'a trusted proxy of %s is refused in words',
  (everywhere) => {
    const read = () => readEnvironment({ ...complete, AUTHSTACK_TRUSTED_PROXIES: `10.0.0.0/8, ${everywhere}` });
    expect(read).toThrow(`AUTHSTACK_TRUSTED_PROXIES: ${everywhere} covers too much of the internet`);
  },
);

test.each(['0.0.0.0/8', '10.1.2.3/8', '192.0.2.1/32', 'fc00::/7', '::1/128', '::ffff:10.0.0.0/104'])(
  'a trusted proxy of %s is one',
  (network) => {
    const { trustedProxies } = readEnvironment({ ...complete, AUTHSTACK_TRUSTED_PROXIES: network });
    expect(clientAddresses(trustedProxies)).toBeDefined();
  },
);

test.each([
  'https://shop.example.com',
  'https://shop.example.com:8443',
  'http://localhost:8081',
  'http://shop.localhost',
  'http://127.0.0.1',
])('%s can be an issuer', (issuer) => {
  expect(readEnvironment({ ...complete, AUTHSTACK_ISSUER: issuer }).issuer).toBe(issuer);
});

test('every variable is in docs/auth-service.md', async () => {
  const page = await readFile(new URL('../../../docs/auth-service.md', import.meta.url), 'utf8');
  expect(Object.values(variables).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
