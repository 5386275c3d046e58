import { z } from 'zod';
import type { Key, PublicJwk } from './types.ts';

const publicJwk: z.ZodType<PublicJwk> = z
  .object({ kid: z.string(), alg: z.enum(['ES256', 'RS256']), use: z.literal('sig'), kty: z.enum(['EC', 'RSA']) })
  .catchall(z.string());
const privateJwk = z.record(z.string(), z.unknown());
const facts = {
  kid: z.string().min(1),
  algorithm: z.enum(['ES256', 'RS256']),
  publishedAt: z.number(),
  publicJwk,
};

const storedKey = z.discriminatedUnion('phase', [
  z.object({ ...facts, phase: z.literal('next'), distributedAt: z.number().optional(), privateJwk }),
  z.object({
    ...facts,
    phase: z.literal('active'),
    activatedAt: z.number(),
    ttlAtActivation: z.number(),
    longestTtl: z.number(),
    privateJwk,
  }),
  z.object({
    ...facts,
    phase: z.literal('retiring'),
    activatedAt: z.number().optional(),
    retiredAt: z.number(),
    longestTtl: z.number(),
  }),
]);

const storedRing = z
  .object({ keys: z.array(storedKey).min(1) })
  .refine(({ keys }) => keys.filter(({ phase }) => phase === 'active').length <= 1, 'more than one key is active')
  .refine(({ keys }) => keys.filter(({ phase }) => phase === 'next').length <= 1, 'more than one key is next');

/** One key as Secret `<stack>-signing-keys` keeps it; the next and the active one with their private half. */
export type StoredKey = z.infer<typeof storedKey>;

/** The keys in `ring.json`, or why they cannot be read; never repeats what stands there. */
export function parseRing(text: string): { readonly keys: readonly StoredKey[] } | { readonly why: string } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { why: 'ring.json is not JSON' };
  }
  const parsed = storedRing.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return { why: `ring.json: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not as it should be'}` };
}

/** What a plan may see of a stored key. */
export function withoutPrivate(stored: StoredKey): Key {
  const { privateJwk: _dropped, ...key } = { privateJwk: undefined, ...stored };
  return JSON.parse(JSON.stringify(key)) as Key;
}
