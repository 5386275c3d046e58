import { files } from '@authstack/auth-service/api';
import { z } from 'zod';
import { namesOf } from '../api/names.ts';
import { canonical } from '../runtime/json.ts';
import type { StoredSecret } from './secret.ts';

/*
 * Secret `<stack>-jwks`: the public halves of the key ring, for whoever verifies tokens.
 *
 *   jwks.json        JWK Set (RFC 7517), copied to every AuthConsumer
 *   lifetimes.json   how long tokens live that are still around, for the day the ring is lost
 *   revoked.json     the keys that were taken away, for that day as well
 */

const LIFETIMES_FILE = 'lifetimes.json';
const REVOKED_FILE = 'revoked.json';

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/);
export const kidSchema: z.ZodString = z.string().min(1).max(128);

/** Listed member by member: any other member, a private one above all, is dropped. */
export const publicJwkSchema = z.discriminatedUnion('kty', [
  z.object({
    kty: z.literal('EC'),
    crv: z.literal('P-256'),
    x: base64url,
    y: base64url,
    kid: kidSchema,
    alg: z.literal('ES256'),
    use: z.literal('sig'),
  }),
  z.object({
    kty: z.literal('RSA'),
    n: base64url,
    e: base64url,
    kid: kidSchema,
    alg: z.literal('RS256'),
    use: z.literal('sig'),
  }),
  z.object({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    x: base64url,
    kid: kidSchema,
    alg: z.literal('EdDSA'),
    use: z.literal('sig'),
  }),
  z.object({
    kty: z.literal('AKP'),
    pub: base64url,
    kid: kidSchema,
    alg: z.literal('ML-DSA-44'),
    use: z.literal('sig'),
  }),
]);

export const lifetimesSchema = z.object({
  accessTokenTtl: z.number().positive(),
  jwksMaxAge: z.number().nonnegative(),
  longerTokensEndAt: z.number().nonnegative(),
  longerCachesEndAt: z.number().nonnegative(),
});

/** What stays of a key that was taken away, so that nothing ever publishes it again. */
export const revokedKeySchema = z.object({
  kid: kidSchema,
  revokedAt: z.number().nonnegative(),
  /** By then kubelets have taken it from every mount. */
  mountsUntil: z.number().nonnegative(),
  /** By then every cached key set has been fetched again. */
  cachesUntil: z.number().nonnegative(),
});

// To make a schema costs ten times as much as to read one copy of five hundred by it.
const jwksFile = z.object({ keys: z.array(z.unknown()) });
const revokedFile = z.array(z.unknown());

export type Kid = string;
export type RevokedKey = Readonly<z.infer<typeof revokedKeySchema>>;
/** A public JSON Web Key (RFC 7517) as it is published. */
export type PublicJwk = Readonly<z.infer<typeof publicJwkSchema>>;
/**
 * How long what the auth service issues lives, in milliseconds, as last noted. It is stored, because what was issued
 * under a longer lifetime outlives the change of the spec: by `longerTokensEndAt` every token of an earlier, longer
 * lifetime has expired, by `longerCachesEndAt` every key set cached under an earlier, longer age has been fetched again.
 */
export type Lifetimes = Readonly<z.infer<typeof lifetimesSchema>>;

export interface PublishedKeys {
  readonly keys: readonly PublicJwk[];
  /** Absent: not stored, or not readable. */
  readonly lifetimes?: Lifetimes;
  /** Absent: none is known. */
  readonly revoked?: readonly RevokedKey[];
}

/** Lenient: a key that cannot be read is left out, for what remains readable still verifies tokens. */
export const publishedKeys: StoredSecret<PublishedKeys> = {
  component: 'signing-keys',
  nameOf: (stackName) => namesOf(stackName).jwks,
  decode: (texts) => {
    const lifetimes = lifetimesSchema.safeParse(parseJson(texts[LIFETIMES_FILE])).data;
    const revoked = decodeRevoked(texts[REVOKED_FILE]);
    const keys = decodeJwks(texts[files.jwks]);
    return { value: { keys, ...(lifetimes && { lifetimes }), ...(revoked.length > 0 && { revoked }) } };
  },
  encode: ({ keys, lifetimes, revoked = [] }) => ({
    [files.jwks]: encodeJwks(keys),
    ...(lifetimes && { [LIFETIMES_FILE]: canonical(lifetimes) }),
    ...(revoked.length > 0 && { [REVOKED_FILE]: canonical(revoked) }),
  }),
};

export function encodeJwks(keys: readonly PublicJwk[]): string {
  return canonical({ keys });
}

/** The public keys in a `jwks.json`; whatever does not read as one is left out. */
export function decodeJwks(text: string | undefined): readonly PublicJwk[] {
  const file = jwksFile.safeParse(parseJson(text));
  return (file.data?.keys ?? []).flatMap((key) => publicJwkSchema.safeParse(key).data ?? []);
}

function decodeRevoked(text: string | undefined): readonly RevokedKey[] {
  const file = revokedFile.safeParse(parseJson(text));
  return (file.data ?? []).flatMap((one) => revokedKeySchema.safeParse(one).data ?? []);
}

/** Undefined where it is not JSON: the parser's own message quotes the text, which may hold private keys. */
export function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
