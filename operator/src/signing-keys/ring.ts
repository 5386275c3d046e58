import { z } from 'zod';
import type { Key, Lifetimes, PublicJwk } from './types.ts';

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/);
const kid = z.string().min(1).max(128);

/** Listed member by member: what else stands there, a private member above all, is dropped. */
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
  z.object({ kty: z.literal('RSA'), n: base64url, e: base64url, kid, alg: z.literal('RS256'), use: z.literal('sig') }),
]);

const algorithm = z.enum(['ES256', 'RS256']);
const facts = { kid, algorithm, publishedAt: z.number(), publicJwk };
const privateJwk = z.record(z.string(), z.unknown());

const storedKey = z.discriminatedUnion('phase', [
  z.object({ ...facts, phase: z.literal('next'), distributedAt: z.number().optional(), privateJwk }),
  z.object({ ...facts, phase: z.literal('active'), activatedAt: z.number(), privateJwk }),
  z.object({ ...facts, phase: z.literal('retiring'), activatedAt: z.number().optional(), retiredAt: z.number() }),
]);

const lifetimes = z.object({
  accessTokenTtl: z.number().positive(),
  jwksMaxAge: z.number().nonnegative(),
  longerTokensEndAt: z.number(),
  longerCachesEndAt: z.number(),
});

const storedRing = z
  .object({ keys: z.array(storedKey).min(1), lifetimes })
  .refine(({ keys }) => keys.filter(({ phase }) => phase === 'active').length <= 1, 'more than one key is active')
  .refine(({ keys }) => keys.filter(({ phase }) => phase === 'next').length <= 1, 'more than one key is next')
  .refine(({ keys }) => new Set(keys.map((key) => key.kid)).size === keys.length, 'a kid occurs twice')
  .refine(
    ({ keys }) => keys.every((key) => key.kid === key.publicJwk.kid && key.algorithm === key.publicJwk.alg),
    'a public half is of another key',
  );

/** One key as Secret `<stack>-signing-keys` keeps it; the next and the active one with their private half. */
export type StoredKey = z.infer<typeof storedKey>;
/** `ring.json`. */
export type StoredRing = z.infer<typeof storedRing>;

/** What `ring.json` says, or why it cannot be read; never repeats what stands there. */
export function parseRing(text: string): StoredRing | { readonly why: string } {
  const parsed = storedRing.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = ['ring.json', ...(issue?.path ?? [])].join('.');
  // Only where and which rule: zod's own messages may repeat a value.
  return { why: issue?.code === 'custom' ? `${where}: ${issue.message}` : `${where} is not as it should be` };
}

/** The public keys in `jwks.json`; what does not read as one is left out. */
export function parseJwks(text: string): readonly PublicJwk[] {
  const file = z.object({ keys: z.array(z.unknown()) }).safeParse(parseJson(text));
  return (file.data?.keys ?? []).flatMap((key) => publicJwk.safeParse(key).data ?? []);
}

export function parseLifetimes(text: string): Lifetimes | undefined {
  return lifetimes.safeParse(parseJson(text)).data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the text, which holds private keys.
    return undefined;
  }
}

/** What a plan may see of a stored key. */
export function withoutPrivate(stored: StoredKey): Key {
  switch (stored.phase) {
    case 'next': {
      const { privateJwk: _private, distributedAt, ...key } = stored;
      return { ...key, ...(distributedAt !== undefined && { distributedAt }) };
    }
    case 'active': {
      const { privateJwk: _private, ...key } = stored;
      return key;
    }
    case 'retiring': {
      const { activatedAt, ...key } = stored;
      return { ...key, ...(activatedAt !== undefined && { activatedAt }) };
    }
  }
}
