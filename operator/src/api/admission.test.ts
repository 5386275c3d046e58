import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ownKey, roomForAddressed } from '@authstack/auth-service/token-size';
import { startApiServer } from '../../../test/support/api-server.ts';
import type { ApiServer } from '../../../test/support/api-server.ts';
import { ApiError, createApiClient } from '../runtime/client.ts';
import type { ApiClient } from '../runtime/client.ts';
import type { KubernetesObject } from '../runtime/objects.ts';
import { collectionPath } from '../runtime/paths.ts';
import { authConsumerKind } from './auth-consumer.ts';
import { authStackKind } from './auth-stack.ts';
import { signingAlgorithms } from './auth-stack/signing-keys.ts';
import { durationMillis, durationSchema, durationText } from './duration.ts';

/** What a real API server with the generated CRDs takes and what it refuses. */
let api: ApiServer;
let client: ApiClient;

beforeAll(async () => {
  api = await startApiServer({ crds: true });
  client = createApiClient({ userAgent: 'user', kubeconfig: api.kubeconfig });
}, 120_000);

afterAll(async () => {
  await client.close();
  await api[Symbol.asyncDispose]();
});

type Fields = Readonly<Record<string, unknown>>;

/** The message of the refusal; undefined where the API server would create the object. */
async function refusal(body: object): Promise<string | undefined> {
  const kind = (body as KubernetesObject).kind === 'AuthStack' ? authStackKind : authConsumerKind;
  const path = collectionPath(kind, 'default');
  const query = { dryRun: 'All', fieldValidation: 'Strict' };
  try {
    await client.send({ method: 'POST', path, query, body, signal: AbortSignal.timeout(10_000) });
    return undefined;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 422 || error.status === 400)) return error.message;
    throw error;
  }
}

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
    mongodb: { members: 3, storage: { size: '10Gi' }, hibernate: false, assistedElections: true },
    signingKeys: {
      algorithm: 'ES256',
      rotationInterval: '30d',
      maxWait: '1h',
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
  ['an address that browsers read as another', aStack({ publicURL: 'https://10.1' }), /last part is not a number/],
  ['an address too long', aStack({ publicURL: 'https://[0:0::1]' }), /in its shortest form: \[2001:db8::1\]/],
  ['a port beyond all', aStack({ publicURL: 'https://shop.example.com:65536' }), /port of at most 65535/],
  ['a host of two dots', aStack({ publicURL: 'https://shop..example.com' }), /publicURL.*must be https:\/\/host/],
  [
    'an Ingress for an IP address',
    aStack({ publicURL: 'https://192.0.2.1:8443', auth: { ingress: {} } }),
    /auth\.ingress needs a publicURL with a DNS name, not https:\/\/192\.0\.2\.1:8443/,
  ],
  [
    'an Ingress for an IPv6 address',
    aStack({ publicURL: 'https://[2001:db8::1]', auth: { ingress: { className: 'nginx' } } }),
    /auth\.ingress needs a publicURL with a DNS name/,
  ],
  [
    'a class that cannot be',
    aStack({ auth: { ingress: { className: 'a..b' } } }),
    /spec\.auth\.ingress\.className.*must be a name of a Kubernetes object/,
  ],
  [
    'a storage class that cannot be',
    aStack({ mongodb: { storage: { className: 'a-.b' } } }),
    /spec\.mongodb\.storage\.className.*must be a name/,
  ],
  ['an image that nobody can pull', aStack({ auth: { image: 'a:b:c' } }), /spec\.auth\.image.*must be an image/],
  [
    'a key that no Secret has',
    aStack({ mongodb: { external: { uriSecretRef: { name: 'db', key: 'the uri' } } } }),
    /uriSecretRef\.key.*must be a key of a Secret/,
  ],
  [
    'an imported key of a kid that needs quotes',
    aStack({ signingKeys: { importFrom: { secretRef: { name: 'old' }, kid: 'a; b' } } }),
    /signingKeys\.importFrom\.kid.*must be a kid of letters, digits/,
  ],
  [
    'an imported key from nowhere',
    aStack({ signingKeys: { importFrom: { kid: 'old' } } }),
    /signingKeys\.importFrom\.secretRef: Required/,
  ],
  [
    'a wrapping key of a Secret that cannot exist',
    aStack({ signingKeys: { encryption: { secretRef: { name: 'My Key' } } } }),
    /signingKeys\.encryption\.secretRef\.name.*must be a name of a Kubernetes object/,
  ],
  [
    'a wrapping key from nowhere',
    aStack({ signingKeys: { encryption: {} } }),
    /signingKeys\.encryption\.secretRef: Required/,
  ],
  [
    'more memory asked for than allowed',
    aStack({ mongodb: { resources: { requests: { memory: '2Gi' }, limits: { memory: '1Gi' } } } }),
    /spec\.mongodb\.resources.*requests\.memory is 2Gi, above limits\.memory of 1Gi/,
  ],
  [
    'more cpu asked for than allowed',
    aStack({ auth: { resources: { requests: { cpu: '2' }, limits: { cpu: '1500m' } } } }),
    /spec\.auth\.resources.*requests\.cpu is 2, above limits\.cpu of 1500m/,
  ],
  ['less than no cpu', aStack({ auth: { resources: { requests: { cpu: '-1' } } } }), /must be a quantity such as/],
  ['no volume', aStack({ mongodb: { storage: { size: '0Gi' } } }), /storage\.size.*must be above 0/],
  ['a volume below none', aStack({ mongodb: { storage: { size: '-1Gi' } } }), /storage\.size.*must be a quantity/],
  [
    'growth to nothing',
    aStack({ mongodb: { storage: { autoGrow: { maxSize: '0' } } } }),
    /autoGrow\.maxSize.*must be above 0/,
  ],
  [
    'a list of no labels',
    aStack({
      consumers: {
        allowedNamespaces: {
          from: 'Selector',
          selector: { matchExpressions: [{ key: 'team', operator: 'NotIn' }] },
        },
      },
    }),
    /In and NotIn need values/,
  ],
  ['no audience', aStack({ auth: { audience: [] } }), /spec\.auth\.audience.*at least 1 items/],
  ['no replicas', aStack({ auth: { replicas: 0 } }), /spec\.auth\.replicas.*greater than or equal to 1/],
  ['half a replica', aStack({ auth: { replicas: 1.5 } }), /spec\.auth\.replicas/],
  ['a title of two lines', aStack({ auth: { page: { title: 'Ticket\nshop' } } }), /must be one line without a space/],
  ['a colour by name', aStack({ auth: { page: { color: 'teal' } } }), /must be a colour such as #0f766e/],
  [
    'support that is a script',
    aStack({ auth: { page: { supportURL: 'javascript:alert(1)' } } }),
    /must be an address such as https:/,
  ],
  ['a duration in words', aStack({ auth: { accessTokenTTL: 'half an hour' } }), /spec\.auth\.accessTokenTTL/],
  ['idle longer than the session', aStack({ auth: { sessionIdleTTL: '31d' } }), /sessionIdleTTL must not be longer/],
  ['no CIDR', aStack({ auth: { trustedProxies: ['10.0.0.1'] } }), /must be a CIDR such as 10\.0\.0\.0\/8/],
  ['all of IPv4', aStack({ auth: { trustedProxies: ['0.0.0.0/0'] } }), /a network of at least 8 bits/],
  ['all of IPv6', aStack({ auth: { trustedProxies: ['10.0.0.0/8', '::/0'] } }), /a network of at least 8 bits/],
  ['half of IPv4', aStack({ auth: { trustedProxies: ['128.0.0.0/1'] } }), /a network of at least 8 bits/],
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
    'waiting longer than auth pods remember',
    aStack({ signingKeys: { maxWait: '25h' } }),
    /signingKeys\.maxWait must be at most 24h/,
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
])('%s is refused with the field and what it may be', async (_name, object, says) => {
  expect(await refusal(object)).toMatch(says);
});

/** Bytes of issuer and audiences in the claims that leave a token short enough for a cookie. */
const rooms = signingAlgorithms.map((algorithm) => [algorithm, roomForAddressed(ownKey(algorithm))] as const);
const ISSUER = 'https://shop.example.com';

/** Several audiences that have so many bytes together with the issuer: quotes round each, commas between them, brackets round all. */
function addressed(bytes: number): Fields {
  const count = Math.max(2, Math.ceil(bytes / 150));
  const letters = bytes - JSON.stringify(ISSUER).length - 1 - 3 * count;
  const audience = Array.from({ length: count }, (_, index) =>
    `a${index}-`.padEnd(Math.floor((letters + index) / count), 'x'),
  );
  expect(JSON.stringify(ISSUER).length + JSON.stringify(audience).length).toBe(bytes);
  return { audience };
}

test('the last byte of an audience that fits a cookie is taken, and one more is refused with both numbers', async () => {
  const room = roomForAddressed(ownKey('ML-DSA-44'));
  const signingKeys = { algorithm: 'ML-DSA-44' };
  expect(await refusal(aStack({ auth: addressed(room), signingKeys }))).toBeUndefined();
  expect(await refusal(aStack({ auth: addressed(room + 1), signingKeys }))).toContain(
    `need ${room + 1} bytes of a token that is signed by ML-DSA-44, and ${room} are left: browsers drop a cookie of more than 4096`,
  );
});

test('a single audience is counted as the token has it, without brackets', async () => {
  const publicURL = `https://${'a'.repeat(61)}.${'b'.repeat(61)}.${'c'.repeat(41)}.example`;
  const letters = roomForAddressed(ownKey('ML-DSA-44')) - JSON.stringify(publicURL).length - 2;
  const of = (size: number): object =>
    aStack({ publicURL, auth: { audience: ['x'.repeat(size)] }, signingKeys: { algorithm: 'ML-DSA-44' } });
  expect(await refusal(of(letters))).toBeUndefined();
  expect(await refusal(of(letters + 1))).toContain('browsers drop a cookie of more than 4096');
});

test('the longest address with the most audiences fits, but for the long signatures', async () => {
  const publicURL = `https://${'a'.repeat(61)}.${'b'.repeat(61)}.${'c'.repeat(61)}.${'d'.repeat(59)}`;
  const audience = Array.from({ length: 16 }, (_, index) => `a${index}-`.padEnd(128, 'x'));
  const needed = JSON.stringify(publicURL).length + JSON.stringify(audience).length;
  for (const [algorithm, room] of rooms) {
    const said = await refusal(aStack({ publicURL, auth: { audience }, signingKeys: { algorithm } }));
    if (room >= needed) expect(said).toBeUndefined();
    else expect(said).toContain(`need ${needed} bytes of a token that is signed by ${algorithm}, and ${room} are left`);
  }
});

test('another algorithm is refused for a stack whose tokens would not fit any more', async () => {
  const before = aStack({ auth: addressed(400) }, 'many-audiences');
  await api.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(before));
  const after = aStack({ auth: addressed(400), signingKeys: { algorithm: 'ML-DSA-44' } }, 'many-audiences');
  expect(await dryRun(after)).toContain('need 400 bytes of a token that is signed by ML-DSA-44');
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

/** Parts of a duration with as many digits as each may have, and now and then one more. */
const parts = Object.entries({ w: 3, d: 4, h: 5, m: 6, s: 8 }).map(([unit, digits]) =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constant('') },
    { weight: 5, arbitrary: fc.stringMatching(new RegExp(`^[0-9]{1,${digits}}$`)).map((count) => count + unit) },
    { weight: 1, arbitrary: fc.stringMatching(new RegExp(`^[0-9]{${digits + 1}}$`)).map((count) => count + unit) },
  ),
);
const duration = fc.tuple(...parts).map((all) => all.join(''));

test('the API server reads a duration exactly as the operator does, to the second', async () => {
  await fc.assert(
    fc.asyncProperty(duration, fc.constantFrom(-1, 0, 1), async (text, off) => {
      fc.pre(durationSchema.safeParse(text).success);
      const total = durationMillis(text) / 1000;
      fc.pre(total + off >= 1 && total >= 1);
      // The same length in another spelling, or a second beside it.
      const respelled = durationText((total + off) * 1000);
      fc.pre(durationSchema.safeParse(respelled).success);
      const said = await refusal(aStack({ auth: { sessionTTL: text, sessionIdleTTL: respelled } }));
      expect(said).toEqual(off > 0 ? expect.stringContaining('sessionIdleTTL must not be longer') : undefined);
    }),
    { numRuns: 150 },
  );
}, 60_000);

test.each([
  ['0s', /auth\.sessionTTL must be at least 1s/],
  ['0w0d', /auth\.sessionTTL must be at least 1s/],
  ['', /spec\.auth\.sessionTTL in body must be of type duration/],
  ['5', /spec\.auth\.sessionTTL in body must be of type duration/],
  ['1000w', /spec\.auth\.sessionTTL/],
  ['99999999999999999999s', /spec\.auth\.sessionTTL: Too long/],
])('a session of %j is refused', async (sessionTTL, message) => {
  expect(await refusal(aStack({ auth: { sessionTTL, sessionIdleTTL: '1s' } }))).toMatch(message);
});

/** What Go or the format read as a duration beyond ours, and what looks like one. */
const almost = fc.oneof(
  duration,
  fc.stringMatching(/^[-+]?[0-9]{1,3}(\.[0-9]{1,2})? ?(ns|us|µs|ms|s|sec|m|min|h|hr|hours|d|days?|w|weeks?)$/),
  fc.tuple(duration, duration).map(([first, second]) => first + second),
  duration.map((text) => text.toUpperCase()),
  duration.map((text) => ` ${text}`),
);

test('the API server takes a duration if and only if the operator can read it', async () => {
  await fc.assert(
    fc.asyncProperty(almost, async (jwksMaxAge) => {
      const signingKeys = { propagation: { jwksMaxAge } };
      const said = (await refusal(aStack({ signingKeys }))) ?? '';
      const isRefused = said.includes('propagation.jwksMaxAge');
      expect(isRefused).toBe(!durationSchema.safeParse(jwksMaxAge).success);
    }),
    { numRuns: 150 },
  );
}, 60_000);

test('a sum of the longest durations is compared, not overflown', async () => {
  const longest = '999w9999d99999h';
  const propagation = { jwksMaxAge: longest, volumeRefresh: longest, clockSkew: longest };
  const said = await refusal(aStack({ signingKeys: { rotationInterval: longest, propagation } }));
  expect(said).toContain(`must be at least ${(3 * durationMillis(longest)) / 1000}s, the sum`);
});

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
  const longName = { ...consumer({ stackRef, secretName: 'auth' }), metadata: { name: 'a'.repeat(64) } };
  expect(await refusal(longName)).toMatch(/metadata\.name must be at most 63 characters/);
});

const hostPart = fc.constantFrom(
  'shop',
  'a1',
  '1',
  '0',
  '255',
  '256',
  '01',
  '0x1f',
  'localhost',
  '-',
  'xn--bcher-kva',
  '',
);
const host = fc.oneof(
  fc.array(hostPart, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.')),
  fc.ipV6().map((address) => `[${address.toLowerCase()}]`),
  fc.ipV4(),
);
const port = fc.constantFrom('', ':80', ':443', ':8443', ':65535', ':65536', ':0', ':08443', ':');

test('every publicURL that is taken is what browsers send as Origin', async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('https', 'http'), host, port, async (scheme, name, suffix) => {
      const publicURL = `${scheme}://${name}${suffix}`;
      if ((await refusal(aStack({ publicURL }))) !== undefined) return;
      taken += 1;
      expect(new URL(publicURL).origin).toBe(publicURL);
    }),
    { numRuns: 300 },
  );
  expect(taken).toBeGreaterThan(20);
}, 60_000);
