import { files } from '@authstack/auth-service/api';
import { WRAPPED_KEY, wrappingKeyIdOf } from '@authstack/auth-service/wrapped-key';
import { z } from 'zod';
import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf } from '../api/names.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { canonical } from '../runtime/json.ts';
import { kidSchema, lifetimesSchema, parseJson, publicJwkSchema, revokedKeySchema } from './jwks.ts';
import type { Lifetimes, RevokedKey } from './jwks.ts';
import { readStored } from './secret.ts';
import type { Seen, StoredSecret, StoredVersion } from './secret.ts';

/** Secret `<stack>-signing-keys` holds one file, `ring.json`: every key of the stack, those that sign with their private half. */

const algorithm = z.enum(['ES256', 'RS256', 'EdDSA', 'ML-DSA-44']);
const time = z.number().nonnegative();
const facts = {
  kid: kidSchema,
  algorithm,
  /** When its public half was first written where verifiers find it. */
  publishedAt: time,
  publicJwk: publicJwkSchema,
};
/** A JWK, or, in a wrapped ring, a JWE of one. */
const privateJwk = z.union([z.record(z.string(), z.unknown()), z.string().regex(WRAPPED_KEY)]);

const storedKey = z.discriminatedUnion('phase', [
  /**
   * Published ahead, to be known everywhere before it signs. As noted: since when, without a break, every copy holds it, and since
   * when no service that is connected to an auth pod lacks it while these pods ran and no others.
   */
  z.object({
    ...facts,
    phase: z.literal('next'),
    distributedAt: time.exactOptional(),
    acknowledged: z.object({ at: time, pods: z.array(z.string()) }).exactOptional(),
    privateJwk,
  }),
  z.object({ ...facts, phase: z.literal('active'), activatedAt: time, privateJwk }),
  /**
   * Signs no more; tokens it signed are still accepted. Its private half is gone. `signersGoneAt`: when no auth pod was able to
   * sign with it any more, as noted.
   */
  z.object({
    ...facts,
    phase: z.literal('retiring'),
    activatedAt: time.exactOptional(),
    retiredAt: time,
    signersGoneAt: time.exactOptional(),
  }),
]);

const wrapping = z.object({ secretName: z.string().min(1), keyId: z.string().min(1) });

const storedRing = z
  .object({
    keys: z.array(storedKey),
    lifetimes: lifetimesSchema,
    revoked: z.array(revokedKeySchema).default([]),
    version: z.int().nonnegative().default(0),
    wrapping: wrapping.exactOptional(),
  })
  // All of them may have been taken away while no key could be made.
  .refine(({ keys, revoked }) => keys.length + revoked.length > 0, 'it holds no key')
  .refine(isWrappedThroughout, 'a private half is not wrapped as `wrapping` says')
  .refine(({ keys }) => keys.filter(({ phase }) => phase === 'active').length <= 1, 'more than one key is active')
  .refine(({ keys }) => keys.filter(({ phase }) => phase === 'next').length <= 1, 'more than one key is next')
  .refine(({ keys }) => new Set(keys.map((key) => key.kid)).size === keys.length, 'a kid occurs twice')
  .refine(
    ({ keys }) => keys.every((key) => key.kid === key.publicJwk.kid && key.algorithm === key.publicJwk.alg),
    'a public half is of another key',
  );

/** What is wrapped is never stored beside something plain, nor wrapped with two keys. */
function isWrappedThroughout({ keys, wrapping }: Pick<StoredRing, 'keys' | 'wrapping'>): boolean {
  return keys.every((key) => {
    if (key.phase === 'retiring') return true;
    if (typeof key.privateJwk !== 'string') return wrapping === undefined;
    return wrapping !== undefined && wrappingKeyIdOf(key.privateJwk) === wrapping.keyId;
  });
}

export type Algorithm = z.infer<typeof algorithm>;
/** With the private half, where the key has one. Only what performs an action may hold this. */
export type StoredKey = Readonly<z.infer<typeof storedKey>>;
export interface StoredRing {
  readonly keys: readonly StoredKey[];
  readonly lifetimes: Lifetimes;
  /** The keys that were taken away, the newest last. */
  readonly revoked: readonly RevokedKey[];
  /** Grows with every change, also over a ring that was lost; 0: written before there was one. */
  readonly version: number;
  /** Absent: the private halves are plain. */
  readonly wrapping?: Wrapping;
}

/** With which key of the owner's every private half is wrapped: it outlives the field of the spec that named its Secret. */
export type Wrapping = Readonly<z.infer<typeof wrapping>>;

export type NextKey = Omit<Extract<StoredKey, { phase: 'next' }>, 'privateJwk'>;
export type ActiveKey = Omit<Extract<StoredKey, { phase: 'active' }>, 'privateJwk'>;
export type RetiringKey = Extract<StoredKey, { phase: 'retiring' }>;
/** A key as plans see it: nothing of it is private. */
export type Key = NextKey | ActiveKey | RetiringKey;

/** For what performs an action; plans get `readKeyRing`. */
export const keyRing: StoredSecret<StoredRing> = {
  component: 'signing-keys',
  nameOf: (stackName) => namesOf(stackName).signingKeys,
  decode: (texts) => {
    const parsed = storedRing.safeParse(parseJson(texts[files.keyRing]));
    if (parsed.success) return { value: parsed.data };
    const [issue] = parsed.error.issues;
    const where = [files.keyRing, ...(issue?.path ?? [])].join('.');
    // Only where and which rule: zod's own messages may repeat a value.
    return { why: issue?.code === 'custom' ? `${where}: ${issue.message}` : `${where} is missing or invalid` };
  },
  encode: ({ keys, lifetimes, revoked, version, wrapping }) => ({
    [files.keyRing]: canonical({
      ...{ keys, lifetimes, version },
      ...(revoked.length > 0 && { revoked }),
      ...(wrapping && { wrapping }),
    }),
  }),
};

/** The ring without anything private: what a plan may see. */
export interface ReadRing {
  readonly keys: readonly Key[];
  readonly lifetimes: Lifetimes;
  readonly revoked: readonly RevokedKey[];
  readonly version: number;
  readonly wrapping?: Wrapping;
}

export function readKeyRing(stack: AuthStack, secret: Secret | undefined): Seen<ReadRing> {
  const seen = readStored(keyRing, stack, secret);
  if (seen.state !== 'value') return seen;
  const { resourceVersion, createdAt }: StoredVersion = seen;
  const value: ReadRing = { ...seen.value, keys: seen.value.keys.map(withoutPrivate) };
  return { state: 'value', value, resourceVersion, createdAt };
}

/** Whether there is something for the auth pods to mount; they themselves say what they cannot read. */
export function holdsKeyRing(secret: Secret | undefined): boolean {
  return (secret?.data?.[files.keyRing] ?? '') !== '';
}

function withoutPrivate(stored: StoredKey): Key {
  if (stored.phase === 'retiring') return stored;
  const { privateJwk: _private, ...key } = stored;
  return key;
}
