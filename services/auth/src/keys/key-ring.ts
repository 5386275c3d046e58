import { KeyObject, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { z } from 'zod';
import type { Millis } from '@authstack/http-service/clock';
import { WRAPPED_KEY } from './wrapped-key.ts';
import type { PrivateJwk } from './wrapped-key.ts';

const signingAlgorithms = ['ES256', 'RS256', 'EdDSA', 'ML-DSA-44'] as const;
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

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
  /** The operator's count of its changes; 0 where the operator that wrote it did not count. */
  readonly version: number;
  /** Undefined: no key may sign. */
  readonly active: SigningKey | undefined;
  readonly byKid: ReadonlyMap<string, VerificationKey>;
  /** What is published; holds nothing private. */
  readonly jwks: { readonly keys: readonly PublicJwk[] };
  /** In what phase each key of the ring is; nothing of it is private. */
  readonly held: readonly HeldKey[];
}

/** As the mounted Secret has it: one of its keys signs. */
export interface MountedRing extends KeyRing {
  readonly active: SigningKey;
  /** That key with its private half; undefined where the ring has none for it, or none that can be used. */
  signingKey(kid: string): SigningKey | undefined;
}

/** A key of the ring as logs and metrics tell of it. */
export interface HeldKey {
  readonly kid: string;
  /** As written, also where this version does not know it. */
  readonly algorithm: string;
  readonly phase: Phase | 'ignored';
  /** Of an ignored key. */
  readonly reason?: string;
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
  z.object({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    x: base64url.length(43, 'must have 32 bytes'),
    kid,
    alg: z.literal('EdDSA'),
    use: z.literal('sig'),
  }),
  // RFC 9964; the private half is `priv`.
  z.object({
    kty: z.literal('AKP'),
    pub: base64url.length(1750, 'must have 1312 bytes'),
    kid,
    alg: z.literal('ML-DSA-44'),
    use: z.literal('sig'),
  }),
]);

const phases = ['next', 'active', 'retiring'] as const;
type Phase = (typeof phases)[number];

/** What a key is for (RFC 7517 sections 4.2 and 4.3). */
const intent = { use: z.string().optional(), key_ops: z.array(z.string()).optional() };

const signingIntent = z.object(intent);

/** What every version of the operator writes of a key. */
const anyKey = z.looseObject({
  kid,
  phase: z.string().max(32),
  algorithm: z.string().max(32),
  publicJwk: z.looseObject(intent),
});
type AnyKey = z.infer<typeof anyKey>;

const ringFile = z.object({ keys: z.array(anyKey), version: z.int().nonnegative().catch(0) });

const storedKey = z.object({
  kid,
  phase: z.enum(phases),
  algorithm: z.enum(signingAlgorithms),
  publishedAt: z.number(),
  activatedAt: z.number().optional(),
  /** A JWK, or, wrapped with a key of the stack's owner, a JWE of one. */
  privateJwk: z.union([z.looseObject(intent), z.string().regex(WRAPPED_KEY)]).optional(),
  publicJwk,
});
type StoredKey = z.infer<typeof storedKey>;

/** The private halves that are wrapped in the ring, by kid: unwrapped, or known from before. */
export type Unwrapped = ReadonlyMap<string, PrivateJwk | KeyObject>;
const noneWrapped: Unwrapped = new Map();

/**
 * Lenient with what a newer operator may write, strict with what is used (RFC 7517 section 5): a key of an unknown phase, an
 * unknown algorithm or another use is left out, neither published nor accepted; a key of a known kind must be right in every
 * member, and one must sign.
 *
 * @throws KeyRingUnusable
 */
export function parseKeyRing(text: string, unwrapped: Unwrapped = noneWrapped): MountedRing {
  const { keys, version } = ringIn(text);
  if (new Set(keys.map((key) => key.kid)).size < keys.length) throw new KeyRingUnusable('a kid occurs twice');

  const held = keys.map(heldKey);
  const used = keys
    .filter((_, index) => held[index]?.phase !== 'ignored')
    .map((key) => accepted(storedKey.safeParse(key), `key ${key.kid}`));
  const active = signingKey(onlyActive(keys, used), unwrapped);
  return {
    version,
    active,
    byKid: new Map(used.map((key) => [key.kid, verificationKey(key)])),
    jwks: { keys: used.map((key) => key.publicJwk) },
    held,
    signingKey(kid) {
      if (kid === active.kid) return active;
      const key = used.find((one) => one.kid === kid);
      try {
        return key && signingKey(key, unwrapped);
      } catch {
        return undefined;
      }
    },
  };
}

/**
 * What has to be unwrapped before the ring is parsed: of keys that this version does not know nothing is.
 *
 * @throws KeyRingUnusable
 */
export function wrappedHalves(text: string): readonly { readonly kid: string; readonly jwe: string }[] {
  return ringIn(text)
    .keys.filter((key) => whyIgnored(key) === undefined)
    .flatMap(({ kid, privateJwk }) => (typeof privateJwk === 'string' ? [{ kid, jwe: privateJwk }] : []));
}

const tombstones = z.object({ revoked: z.array(z.unknown()) });
const tombstone = z.looseObject({ kid });

/** The keys that a ring remembers as taken away, also where it cannot be used. */
export function revokedIn(text: string): readonly string[] {
  try {
    const { revoked } = tombstones.parse(JSON.parse(text));
    return revoked.flatMap((one) => tombstone.safeParse(one).data?.kid ?? []);
  } catch {
    return [];
  }
}

function ringIn(text: string): z.infer<typeof ringFile> {
  return accepted(ringFile.safeParse(parseJson(text)), 'ring');
}

/** Public keys from elsewhere; lenient as the ring is: what this version does not understand is left out. */
export function publicKeysOf(jwks: readonly unknown[]): Pick<KeyRing, 'byKid' | 'jwks'> {
  const keys = jwks.flatMap((jwk) => publicJwk.safeParse(jwk).data ?? []);
  return {
    byKid: new Map(keys.map((key) => [key.kid, verificationKey({ kid: key.kid, algorithm: key.alg, publicJwk: key })])),
    jwks: { keys },
  };
}

function heldKey(key: AnyKey): HeldKey {
  const { kid, algorithm, phase } = key;
  const reason = whyIgnored(key);
  return reason === undefined
    ? { kid, algorithm, phase: phase as Phase }
    : { kid, algorithm, phase: 'ignored', reason };
}

function whyIgnored({ phase, algorithm, publicJwk: { use, key_ops: operations } }: AnyKey): string | undefined {
  if (!isPhase(phase)) return `this version does not know the phase ${phase}`;
  if (!isKnown(algorithm)) return `this version does not know the algorithm ${algorithm}`;
  if (use !== undefined && use !== 'sig') return `its use is ${use.slice(0, 32)}, not sig`;
  if (operations?.includes('verify') === false) return 'its key_ops do not include verify';
  return undefined;
}

function isKnown(algorithm: string): boolean {
  return (signingAlgorithms as readonly string[]).includes(algorithm);
}

function isPhase(text: string): text is Phase {
  return (phases as readonly string[]).includes(text);
}

function onlyActive(keys: readonly AnyKey[], used: readonly StoredKey[]): StoredKey {
  const [active, ...others] = used.filter(({ phase }) => phase === 'active');
  if (others.length > 0) throw new KeyRingUnusable('more than one key is active');
  if (active) return active;
  const foreign = keys.find(({ phase }) => phase === 'active');
  if (foreign) throw new KeyRingUnusable(`the active key ${foreign.kid} cannot be used: ${whyIgnored(foreign) ?? ''}`);
  throw new KeyRingUnusable('no key is active');
}

function accepted<T>(parsed: z.ZodSafeParseResult<T>, what: string): T {
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new KeyRingUnusable(`${[what, ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'not acceptable'}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the text, which holds private keys.
    throw new KeyRingUnusable('the file is not JSON');
  }
}

function verificationKey({
  kid,
  algorithm,
  publicJwk: jwk,
}: Pick<StoredKey, 'kid' | 'algorithm' | 'publicJwk'>): VerificationKey {
  if (jwk.kid !== kid || jwk.alg !== algorithm) {
    throw new KeyRingUnusable(`key ${kid}: its public half is of another key`);
  }
  return { kid, algorithm, publicKey: importing(kid, () => createPublicKey({ key: { ...jwk }, format: 'jwk' })) };
}

function signingKey(stored: StoredKey, unwrapped: Unwrapped): SigningKey {
  const { kid, algorithm, privateJwk, activatedAt, publishedAt } = stored;
  const half = typeof privateJwk === 'string' ? unwrapped.get(kid) : privateJwk;
  if (!half) throw new KeyRingUnusable(`key ${kid} is active and has no private half`);
  const privateKey = half instanceof KeyObject ? half : privateKeyOf(kid, half);
  if (!belongTogether(privateKey, verificationKey(stored))) {
    throw new KeyRingUnusable(`key ${kid}: its halves do not belong together`);
  }
  return { kid, algorithm, privateKey, activatedAt: activatedAt ?? publishedAt };
}

function privateKeyOf(kid: string, half: PrivateJwk): KeyObject {
  const { use = 'sig', key_ops: operations = ['sign'] } = accepted(signingIntent.safeParse(half), `key ${kid}`);
  if (use !== 'sig' || !operations.includes('sign')) {
    throw new KeyRingUnusable(`key ${kid} is active and its private half is not for signing`);
  }
  return importing(kid, () => createPrivateKey({ key: half, format: 'jwk' }));
}

/** By a signature: a private JWK has its public half in it, and its import does not compare the two. */
function belongTogether(privateKey: KeyObject, { publicKey }: VerificationKey): boolean {
  if (privateKey.asymmetricKeyType !== publicKey.asymmetricKeyType) return false;
  const text = Buffer.from('a signature of this key');
  return verify(null, text, publicKey, sign(null, text, privateKey));
}

function importing(kid: string, make: () => KeyObject): KeyObject {
  try {
    return make();
  } catch {
    throw new KeyRingUnusable(`key ${kid} cannot be imported`);
  }
}
