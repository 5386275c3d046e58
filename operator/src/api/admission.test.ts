import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { durationMillis, durationText } from './duration.ts';

/** What a real API server with the generated CRDs takes and what it refuses. */
let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer({ crds: true });
}, 120_000);

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

type Fields = Readonly<Record<string, unknown>>;

function aStack(spec: Fields = {}, name = 'shop'): object {
  const auth = { audience: ['shop'], ...(spec['auth'] as Fields | undefined) };
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name, namespace: 'default' },
    spec: { publicURL: 'https://shop.example.com', ...spec, auth },
  };
}

/** What kubectl says: the stored object, or the refusal. */
function dryRun(object: object): Promise<string> {
  const args = ['apply', '--server-side', '--dry-run=server', '-o', 'json', '-f', '-'];
  return api.kubectl(args, JSON.stringify(object)).catch((error: unknown) => String(error));
}

test('the shortest AuthStack there is gets every default', async () => {
  const { spec } = JSON.parse(await dryRun(aStack())) as { spec: Fields };
  expect(spec).toEqual({
    publicURL: 'https://shop.example.com',
    auth: {
      audience: ['shop'],
      replicas: 2,
      accessTokenTTL: '30m',
      sessionTTL: '30d',
      sessionIdleTTL: '7d',
      inlineRefresh: true,
      trustedProxies: [],
      password: { minLength: 8 },
    },
    mongodb: { members: 3, storage: { size: '10Gi' }, hibernate: false },
    signingKeys: {
      algorithm: 'ES256',
      rotationInterval: '30d',
      propagation: { jwksMaxAge: '5m', volumeRefresh: '2m', clockSkew: '60s' },
    },
    consumers: { allowedNamespaces: { from: 'Same' } },
    updates: { policy: 'Automatic' },
    suspend: false,
    deletionPolicy: 'Retain',
  });
});

const propagation = { jwksMaxAge: '10s', volumeRefresh: '20s', clockSkew: '5s' };

test.each<[string, object, RegExp]>([
  ['no publicURL', aStack({ publicURL: undefined }), /spec\.publicURL: Required/],
  ['http for a public host', aStack({ publicURL: 'http://shop.example.com' }), /http only for localhost/],
  ['a path in publicURL', aStack({ publicURL: 'https://shop.example.com/login' }), /spec\.publicURL/],
  ['the default port', aStack({ publicURL: 'https://shop.example.com:443' }), /leave out the default port/],
  ['no audience', aStack({ auth: { audience: [] } }), /spec\.auth\.audience.*at least 1 items/],
  ['no replicas', aStack({ auth: { replicas: 0 } }), /spec\.auth\.replicas.*greater than or equal to 1/],
  ['half a replica', aStack({ auth: { replicas: 1.5 } }), /spec\.auth\.replicas/],
  ['a duration in words', aStack({ auth: { accessTokenTTL: 'half an hour' } }), /spec\.auth\.accessTokenTTL/],
  ['idle longer than the session', aStack({ auth: { sessionIdleTTL: '31d' } }), /sessionIdleTTL must not be longer/],
  ['no CIDR', aStack({ auth: { trustedProxies: ['10.0.0.1'] } }), /must be a CIDR such as 10\.0\.0\.0\/8/],
  ['two members', aStack({ mongodb: { members: 2 } }), /spec\.mongodb\.members.*supported values: .*1.*3/],
  ['a version nobody knows', aStack({ mongodb: { version: '3.6' } }), /spec\.mongodb\.version/],
  ['a size of words', aStack({ mongodb: { storage: { size: 'big' } } }), /spec\.mongodb\.storage\.size/],
  ['an algorithm of secrets', aStack({ signingKeys: { algorithm: 'HS256' } }), /spec\.signingKeys\.algorithm/],
  [
    'rotation faster than keys spread',
    aStack({ signingKeys: { rotationInterval: '5m' } }),
    /rotationInterval must be at least 480s/,
  ],
  [
    'rotation below a minute',
    aStack({ signingKeys: { rotationInterval: '50s', propagation } }),
    /rotationInterval must be at least 1m/,
  ],
  [
    'tokens that outlive ten rotations',
    aStack({ auth: { accessTokenTTL: '11m' }, signingKeys: { rotationInterval: '1m', propagation } }),
    /must be at most 600s, 10 times/,
  ],
  [
    'a selector that nothing asks for',
    aStack({ consumers: { allowedNamespaces: { from: 'All', selector: {} } } }),
    /goes with from: Selector, and only with it/,
  ],
  ['a name too long for its objects', aStack({}, 'a'.repeat(41)), /metadata\.name must be at most 40/],
  ['a field that does not exist', aStack({ mongodb: { member: 3 } }), /field not declared in schema|unknown field/],
])('%s is refused with the field and what it may be', async (_name, object, refusal) => {
  expect(await dryRun(object)).toMatch(refusal);
});

test.each<[string, Fields, RegExp]>([
  ['publicURL', { publicURL: 'https://other.example.com' }, /publicURL is immutable/],
  ['version', { mongodb: { version: '7.0' } }, /raised one major version at a time/],
  ['size', { mongodb: { version: '5.0', storage: { size: '9Gi' } } }, /storage\.size cannot shrink/],
  ['class', { mongodb: { version: '5.0', storage: { className: 'other' } } }, /className is immutable/],
])('%s cannot change in a way that the operator cannot follow', async (field, change, refusal) => {
  const name = `fixed-${field.toLowerCase()}`;
  const before = aStack({ mongodb: { version: '5.0' } }, name);
  await api.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(before));
  expect(await dryRun(aStack(change, name))).toMatch(refusal);
});

test.each<[string, Fields]>([
  ['version-up', { mongodb: { version: '6.0' } }],
  ['version-down', { mongodb: { version: '4.4' } }],
  ['members', { mongodb: { version: '5.0', members: 7 } }],
  ['storage', { mongodb: { version: '5.0', storage: { size: '10.5Gi' } } }],
])('%s can change', async (field, change) => {
  const name = `free-${field}`;
  const before = aStack({ mongodb: { version: '5.0' } }, name);
  await api.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(before));
  expect(await dryRun(aStack(change, name))).toContain('"kind": "AuthStack"');
});

test('CEL reads a duration exactly as the operator does', async () => {
  const seconds = fc.integer({ min: 60, max: 3 * 7 * 86_400 });
  const pairs = fc.tuple(seconds, fc.constantFrom(-1, 0, 1));
  await fc.assert(
    fc.asyncProperty(pairs, async ([total, off]) => {
      const [rotationInterval, clockSkew] = [durationText(total * 1000), durationText((total - 2 + off) * 1000)];
      const signingKeys = { rotationInterval, propagation: { jwksMaxAge: '1s', volumeRefresh: '1s', clockSkew } };
      const allowed = durationMillis(rotationInterval) >= durationMillis(clockSkew) + 2000;
      const said = await dryRun(aStack({ auth: { accessTokenTTL: '1m' }, signingKeys }));
      expect(said.includes('must be at least')).toBe(!allowed);
    }),
    { numRuns: 20 },
  );
}, 60_000);

test('an AuthConsumer names a stack and a Secret, and nothing that it could not have', async () => {
  const consumer = (spec: Fields): object => ({
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthConsumer',
    metadata: { name: 'orders', namespace: 'default' },
    spec,
  });
  const stackRef = { namespace: 'auth', name: 'shop' };

  expect(await dryRun(consumer({ stackRef, secretName: 'auth' }))).toContain('"secretName": "auth"');
  expect(await dryRun(consumer({ stackRef }))).toMatch(/spec\.secretName: Required/);
  expect(await dryRun(consumer({ stackRef: { name: 'shop' }, secretName: 'auth' }))).toMatch(
    /stackRef\.namespace: Req/,
  );
  expect(await dryRun(consumer({ stackRef, secretName: 'No Secret' }))).toMatch(/spec\.secretName/);
});
