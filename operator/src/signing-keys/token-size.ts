import { COOKIE_BYTES, largestCookie } from '@authstack/auth-service/token-size';
import { namespaceOf } from '../api/names.ts';
import type { PublicJwk } from '../stored/jwks.ts';
import type { Ring } from './ring.ts';
import type { KeysVerdict } from './types.ts';

/**
 * The spec alone is refused where its tokens would not fit. A key that was brought along may be of another algorithm or have a longer kid,
 * and a key signs on for a while after the algorithm was changed. Said beside whatever else is the case, for nothing waits for it.
 */
export function namingCookieTooLarge(ring: Ring, verdict: KeysVerdict): KeysVerdict {
  const error = cookieError(ring);
  if (error === undefined || (verdict.actions ?? []).length > 0) return verdict;
  const message = `${error}. ${verdict.message}`;
  return verdict.status === 'True'
    ? { ...verdict, status: 'False', reason: 'CookieTooLarge', message, stalls: 'later' }
    : { ...verdict, message };
}

function cookieError({ active, stack }: Ring): string | undefined {
  if (!active) return undefined;
  const { kid, algorithm, publicJwk } = active;
  const { publicURL: issuer, auth } = stack.spec;
  const bytes = largestCookie(
    { algorithm, kid, modulusBits: modulusBits(publicJwk) },
    { issuer, audiences: auth.audience },
  );
  if (bytes <= COOKIE_BYTES) return undefined;
  return (
    `A token signed by ${kid} (${algorithm}) and the name of its cookie may have ${bytes} bytes, and browsers drop a cookie of more than ` +
    `${COOKIE_BYTES}, so the auth service refuses such a sign-in (COOKIE_TOO_LARGE). Remove or shorten spec.auth.audience, or change ` +
    `spec.signingKeys.algorithm: kubectl -n ${namespaceOf(stack)} edit authstack ${stack.metadata.name}`
  );
}

/** Four characters of base64url for three bytes. */
function modulusBits(jwk: PublicJwk): number | undefined {
  return jwk.kty === 'RSA' ? Math.floor((jwk.n.length * 3) / 4) * 8 : undefined;
}
