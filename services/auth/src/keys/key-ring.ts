import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import type { Millis } from '@authstack/http-service/clock';

export type SigningAlgorithm = 'ES256' | 'RS256';

export type PublicJwk = z.infer<typeof publicJwk>;

export interface VerificationKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly publicKey: KeyObject;
}

export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly privateKey: KeyObject;
  readonly activatedAt: Millis;
}

export interface KeyRing {
  readonly active: SigningKey;
  readonly byKid: ReadonlyMap<string, VerificationKey>;
  /** What is published; holds nothing private. */
  readonly jwks: { readonly keys: readonly PublicJwk[] };
}

/** The key ring as written cannot be used. The message never repeats its content. */
export class KeyRingUnusable extends Error {
  override readonly name: string = 'KeyRingUnusable';
}

const kid = z.string().min(1).max(128);
const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/);

// Listed member by member, so that a private member in the wrong place is never published.
const publicJwk = z.discriminatedUnion('kty', [
  z.object({
    kty: z.literal('EC'),
    crv: z.literal('P-256'),
    x: base64url,
    y: base64url,
    kid,
    alg: z.literal('ES256'),
    use: z.literal('sig'),
  }),
  z.object({
    kty: z.literal('RSA'),
    n: base64url.min(342, 'must have at least 2048 bits'),
    e: base64url,
    kid,
    alg: z.literal('RS256'),
    use: z.literal('sig'),
  }),
]);

const ringFile = z.object({
  keys: z.array(
    z.object({
      kid,
      phase: z.enum(['next', 'active', 'retiring']),
      algorithm: z.enum(['ES256', 'RS256']),
      publishedAt: z.number(),
      activatedAt: z.number().optional(),
      privateJwk: z.record(z.string(), z.unknown()).optional(),
      publicJwk,
    }),
  ),
});
type StoredKey = z.infer<typeof ringFile>['keys'][number];

export function parseKeyRing(text: string): KeyRing {
  const parsed = ringFile.safeParse(parseJson(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new KeyRingUnusable(`${issue?.path.join('.') ?? 'ring'}: ${issue?.message ?? 'not acceptable'}`);
  }
  const { keys } = parsed.data;
  const [active, ...others] = keys.filter(({ phase }) => phase === 'active');
  if (!active) throw new KeyRingUnusable('no key is active');
  if (others.length > 0) throw new KeyRingUnusable('more than one key is active');
  if (new Set(keys.map((key) => key.kid)).size < keys.length) throw new KeyRingUnusable('a kid occurs twice');

  return {
    active: signingKey(active),
    byKid: new Map(keys.map((key) => [key.kid, verificationKey(key)])),
    jwks: { keys: keys.map((key) => key.publicJwk) },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the text, which holds private keys.
    throw new KeyRingUnusable('the file is not JSON');
  }
}

function verificationKey({ kid, algorithm, publicJwk: jwk }: StoredKey): VerificationKey {
  if (jwk.kid !== kid || jwk.alg !== algorithm) {
    throw new KeyRingUnusable(`key ${kid}: its public half is of another key`);
  }
  return { kid, algorithm, publicKey: importing(kid, () => createPublicKey({ key: { ...jwk }, format: 'jwk' })) };
}

function signingKey(stored: StoredKey): SigningKey {
  const { kid, algorithm, privateJwk, activatedAt, publishedAt } = stored;
  if (!privateJwk) throw new KeyRingUnusable(`key ${kid} is active and has no private half`);
  const privateKey = importing(kid, () => createPrivateKey({ key: privateJwk, format: 'jwk' }));
  const ours = createPublicKey(privateKey);
  if (!ours.equals(verificationKey(stored).publicKey)) {
    throw new KeyRingUnusable(`key ${kid}: its halves do not belong together`);
  }
  return { kid, algorithm, privateKey, activatedAt: activatedAt ?? publishedAt };
}

function importing(kid: string, make: () => KeyObject): KeyObject {
  try {
    return make();
  } catch {
    throw new KeyRingUnusable(`key ${kid} cannot be imported`);
  }
}
