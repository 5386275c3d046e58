import { randomBytes } from 'node:crypto';
import { aPerson, apply, eventually, expect, kubectl, scenario } from './world.ts';
import type { Stack } from './world.ts';

const CUSTODY = 'custody';

const aWrappingKey = (): string => randomBytes(32).toString('base64');
const wrappedBy = (key: string): object => ({ encryption: { secretRef: { name: CUSTODY, key } } });

scenario(
  'private keys are wrapped in the Secret of the ring, with another key once that is named, and people sign in without it',
  { minutes: 10, suite: 'full' },
  async (world) => {
    const first = aWrappingKey();
    const stack = await world.createStack({
      members: 1,
      replicas: 2,
      secrets: { [CUSTODY]: { first } },
      spec: { signingKeys: wrappedBy('first') },
    });
    await stack.becomes('Ready', { within: 120 });
    const person = aPerson();
    expect(await stack.visitor().signUp(person)).toMatchObject({ status: 201 });
    const before = await wrappedRing(stack);

    await apply({
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: CUSTODY, namespace: stack.namespace } },
      stringData: { first, second: aWrappingKey() },
    });
    await stack.patch({ signingKeys: wrappedBy('second') });
    // Once the pods have mounted it.
    await eventually(
      async () => {
        const { keyId, kids } = await wrappedRing(stack);
        expect(keyId).not.toBe(before.keyId);
        expect(kids).toEqual(before.kids);
      },
      { within: 180 },
    );
    expect(await stack.visitor().signIn(person)).toMatchObject({ status: 200 });

    await kubectl(['-n', stack.namespace, 'delete', 'secret', CUSTODY]);
    // The operator counts on what it has seen for two minutes.
    const missing = await stack.becomes('KeysReady=False/EncryptionKeyNotFound', { within: 180 });
    expect(missing.message).toContain(`Secret ${CUSTODY}`);
    expect(await stack.visitor().signIn(person)).toMatchObject({ status: 200 });
  },
);

interface StoredRing {
  readonly wrapping?: { readonly keyId: string };
  readonly keys: readonly { readonly kid: string; readonly privateJwk?: unknown }[];
}

/** Throws where a private half can be read. */
async function wrappedRing(stack: Stack): Promise<{ readonly keyId: string; readonly kids: readonly string[] }> {
  const { 'ring.json': text = '' } = await stack.secret('signing-keys');
  expect(text).not.toMatch(/"(?:d|p|q|priv)":/);
  const { wrapping, keys } = JSON.parse(text) as StoredRing;
  for (const { privateJwk } of keys) expect(String(privateJwk)).toMatch(/^[\w-]+(?:\.[\w-]+){4}$/);
  if (!wrapping) throw new Error('the ring names no wrapping key');
  return { keyId: wrapping.keyId, kids: keys.map(({ kid }) => kid) };
}
