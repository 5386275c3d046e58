import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApiServer } from '../../test/support/api-server.ts';
import type { ApiServer } from '../../test/support/api-server.ts';
import { applyTo } from '../../test/support/installed-operator.ts';
import { secretKind } from './runtime/core-kinds.ts';
import { eventually } from './runtime/testing/eventually.ts';
import { parseJson } from './stored/jwks.ts';
import { keyRing } from './stored/key-ring.ts';
import type { StoredKey } from './stored/key-ring.ts';
import { textsIn } from './stored/secret.ts';
import { stackWith, startOperator } from './testing/operator-in-process.ts';
import type { OperatorInProcess } from './testing/operator-in-process.ts';

/** A first signing key that a team brings along, against a real API server. */

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
let api: ApiServer;
let operator: OperatorInProcess;

beforeAll(async () => {
  api = await startApiServer({ crds: true });
  await api.kubectl(['create', 'namespace', 'auth']);
  operator = startOperator(api);
}, 120_000);

afterAll(async () => {
  await operator[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

/** Without any label, as kubectl makes it. */
async function storeKey(name: string, key: string): Promise<void> {
  const metadata = { name, namespace: 'auth' };
  await applyTo(api, [{ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { key } }]);
}

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const importing = (name: string, kid?: string): object => ({
  importFrom: { secretRef: { name }, ...(kid !== undefined && { kid }) },
});

async function becomes(stack: string, expected: object): Promise<string> {
  return eventually(
    async () => {
      const condition = await operator.keysReady(stack);
      expect(condition).toMatchObject(expected);
      return condition?.message ?? '';
    },
    { within: 40_000 },
  );
}

async function keysOf(stack: string): Promise<readonly StoredKey[]> {
  const secret = await operator.find(secretKind, keyRing.nameOf(stack));
  const decoded = keyRing.decode(secret ? textsIn(secret) : {});
  if ('why' in decoded) throw new Error(decoded.why);
  return decoded.value.keys;
}

test('it signs first, under the kid of its tokens, its successor is of the algorithm of the spec, and both are published', async () => {
  await storeKey('old-key', pemOf(privateKey));
  await applyTo(api, [stackWith('moves', importing('old-key', 'legacy-2024'))]);
  await becomes('moves', { status: 'True' });

  const [active, next, ...others] = await keysOf('moves');
  expect(active).toMatchObject({ phase: 'active', kid: 'legacy-2024', algorithm: 'RS256' });
  expect(next).toMatchObject({ phase: 'next', algorithm: 'ES256' });
  expect(others).toEqual([]);
  const stored = active?.phase === 'active' ? active.privateJwk : {};
  expect(createPrivateKey({ key: stored as JsonWebKey, format: 'jwk' }).equals(privateKey)).toBe(true);

  const jwks = await eventually(async () => {
    const secret = await operator.find(secretKind, 'moves-jwks');
    expect(secret).toBeDefined();
    return secret ? textsIn(secret)['jwks.json'] : undefined;
  });
  const { n, e } = privateKey.export({ format: 'jwk' });
  expect(parseJson(jwks)).toMatchObject({
    keys: [{ kid: 'legacy-2024', kty: 'RSA', alg: 'RS256', use: 'sig', n, e }, { kid: next?.kid }],
  });
  expect(JSON.stringify(jwks)).not.toContain('"d"');
}, 60_000);

test('once the stack has keys nobody reads it: the Secret may go, the field may go, and another one is refused', async () => {
  const before = await keysOf('moves');
  await api.kubectl(['-n', 'auth', 'delete', 'secret', 'old-key']);
  await eventually(async () => {
    const status = await api.kubectl([
      '-n',
      'auth',
      'get',
      'authstack',
      'moves',
      '-o',
      'jsonpath={.status.signingKeys.activeKid}',
    ]);
    expect(status).toBe('legacy-2024');
  });
  const patch = (importFrom: object | null): Promise<string> =>
    api.kubectl([
      '-n',
      'auth',
      'patch',
      'authstack',
      'moves',
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { signingKeys: { importFrom } } }),
    ]);
  await expect(patch({ secretRef: { name: 'another' } })).rejects.toThrow(
    /read only while the stack has no signing keys/,
  );
  await patch(null);
  await expect(patch({ secretRef: { name: 'old-key' } })).rejects.toThrow(
    /read only while the stack has no signing keys/,
  );
  expect(await keysOf('moves')).toEqual(before);
}, 60_000);

test('as long as the Secret is missing or wrong no key is made, no other one either, and the message has nothing of it', async () => {
  await applyTo(api, [stackWith('waits', importing('later'))]);
  const missing = await becomes('waits', { status: 'False', reason: 'ImportedKeyNotFound' });
  expect(missing).toContain('kubectl -n auth create secret generic later --from-file=key=…');

  const weak = pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey);
  await storeKey('later', weak);
  const refused = await becomes('waits', { status: 'False', reason: 'ImportedKeyRefused' });
  expect(refused).toContain('key of Secret later of spec.signingKeys.importFrom is an RSA key of 1024 bits');
  for (const line of weak.split('\n').slice(1, -2)) expect(refused).not.toContain(line);
  for (const name of ['waits-signing-keys', 'waits-jwks']) {
    expect(await operator.find(secretKind, name)).toBeUndefined();
  }

  // Before there are keys the field can be corrected.
  await storeKey('right', pemOf(generateKeyPairSync('ml-dsa-44').privateKey));
  await applyTo(api, [stackWith('waits', importing('right'))]);
  await becomes('waits', { status: 'True' });
  expect(await keysOf('waits')).toMatchObject([
    { phase: 'active', algorithm: 'ML-DSA-44', publicJwk: { kty: 'AKP', alg: 'ML-DSA-44' } },
    { phase: 'next', algorithm: 'ES256' },
  ]);
}, 120_000);
