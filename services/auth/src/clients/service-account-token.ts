import type { Millis } from '@authstack/http-service/clock';
import { TokenError } from '@authstack/verify';
import { signedPayloadOf } from '@authstack/verify/foreign-token';
import { z } from 'zod';
import type { Cluster, ServiceAccount } from './clients.ts';
import { InvalidClient } from './errors.ts';
import type { Reason } from './errors.ts';

/** Whose token it must be and for whom. */
export interface Expected {
  readonly cluster: Cluster;
  /** The stack's issuer, which such a token is asked for. */
  readonly audience: string;
  readonly serviceAccount: ServiceAccount;
  readonly now: Millis;
  readonly clockSkew: Millis;
}

const time = z.number().min(0).max(8.64e12);
const text = z.string().min(1);
/** Of a projected token (kubernetes.io, "Bound service account tokens"). */
const projected = z.object({
  iss: text,
  aud: z.union([text.transform((one) => [one]), z.array(text)]),
  exp: time,
  iat: time,
  nbf: time.optional(),
  'kubernetes.io': z.object({ namespace: text, serviceaccount: z.object({ name: text, uid: text }) }),
});
type Claims = z.infer<typeof projected>;

type Rule = (claims: Claims, expected: Expected) => { readonly reason: Reason; readonly seen: string } | undefined;

/** The first that answers wins. */
const rules: readonly Rule[] = [
  itIsOfAnotherIssuer,
  itIsForAnotherAudience,
  itIsOfAnotherServiceAccount,
  itsServiceAccountWasMadeAnew,
  itIsNotYetValid,
  itHasExpired,
];

/**
 * The cluster's key signed that it is now of this ServiceAccount and for this stack.
 *
 * Messages tell what a token says only once its signature holds; before, anybody may have written it.
 *
 * @throws InvalidClient
 */
export function checkServiceAccountToken(token: string, expected: Expected): void {
  const claims = projected.safeParse(signedPayload(token, expected));
  if (!claims.success) {
    const claim = claims.error.issues[0]?.path.join('.') ?? '';
    throw new InvalidClient(
      'token_malformed',
      `the token is of no projected ServiceAccount volume: its claim ${claim} is missing or invalid`,
    );
  }
  for (const rule of rules) {
    const refused = rule(claims.data, expected);
    if (refused) throw new InvalidClient(refused.reason, refused.seen);
  }
}

/** Kubernetes names no type; others name a JWT one. */
function isType(type: unknown): boolean {
  return type === undefined || (typeof type === 'string' && type.toLowerCase() === 'jwt');
}

function signedPayload(token: string, { cluster: { issuer, keys } }: Expected): unknown {
  try {
    return signedPayloadOf(token, { keys, isType });
  } catch (cause) {
    if (!(cause instanceof TokenError)) throw cause;
    switch (cause.code) {
      case 'TOKEN_KEY_UNKNOWN':
        throw new InvalidClient(
          'token_key',
          `the token is signed with none of the ${keys.size} keys of ${issuer}: it is of another cluster, or from before its key was changed`,
          { cause },
        );
      case 'TOKEN_SIGNATURE_INVALID':
      case 'TOKEN_ALGORITHM_REFUSED':
        throw new InvalidClient('token_signature', `the key of ${issuer} that the token names did not sign it`, {
          cause,
        });
      default:
        throw new InvalidClient('token_malformed', 'the bearer token cannot be read as a token of a ServiceAccount', {
          cause,
        });
    }
  }
}

function itIsOfAnotherIssuer({ iss }: Claims, { cluster }: Expected): ReturnType<Rule> {
  if (iss === cluster.issuer) return undefined;
  return {
    reason: 'token_issuer',
    seen: `the token is of the issuer ${shown(iss)}, and the cluster's is ${cluster.issuer}`,
  };
}

function itIsForAnotherAudience({ aud }: Claims, { audience }: Expected): ReturnType<Rule> {
  if (aud.includes(audience)) return undefined;
  const seen = `the token is for the audience ${aud.slice(0, 4).map(shown).join(', ')}, and must be for ${audience}: set audience of the projected serviceAccountToken to that`;
  return { reason: 'token_audience', seen };
}

function itIsOfAnotherServiceAccount(claims: Claims, { serviceAccount }: Expected): ReturnType<Rule> {
  const { namespace, serviceaccount } = claims['kubernetes.io'];
  if (namespace === serviceAccount.namespace && serviceaccount.name === serviceAccount.name) return undefined;
  const seen = `the token is of ServiceAccount ${shown(namespace)}/${shown(serviceaccount.name)}, and the AuthConsumer names ${serviceAccount.namespace}/${serviceAccount.name}: look at spec.identity.serviceAccountName there and at serviceAccountName of the pod`;
  return { reason: 'service_account', seen };
}

function itsServiceAccountWasMadeAnew(claims: Claims, { serviceAccount }: Expected): ReturnType<Rule> {
  const { uid } = claims['kubernetes.io'].serviceaccount;
  if (uid === serviceAccount.uid) return undefined;
  const { namespace, name } = serviceAccount;
  const seen = `the token is of ServiceAccount ${namespace}/${name} with uid ${shown(uid)}, and the one that was seen last has ${serviceAccount.uid}: a pod that was started before it was made anew must be restarted`;
  return { reason: 'service_account_made_anew', seen };
}

function itIsNotYetValid({ iat, nbf = 0 }: Claims, { now, clockSkew }: Expected): ReturnType<Rule> {
  const from = Math.max(iat, nbf) * 1000;
  if (from <= now + clockSkew) return undefined;
  const seen = `the token is valid from ${timeOf(from)} on, and here it is ${timeOf(now)}: compare the clocks of the nodes`;
  return { reason: 'token_not_yet_valid', seen };
}

function itHasExpired({ exp }: Claims, { now, clockSkew }: Expected): ReturnType<Rule> {
  if (now < exp * 1000 + clockSkew) return undefined;
  const seen = `the token expired at ${timeOf(exp * 1000)}, and here it is ${timeOf(now)}: read its file for every request, for kubelet renews it`;
  return { reason: 'token_expired', seen };
}

function timeOf(at: Millis): string {
  return new Date(at).toISOString();
}

/** Whatever an API server lets others put into a token. */
function shown(claim: string): string {
  return claim.slice(0, 256).replaceAll(/[^ -~]/g, '?');
}
