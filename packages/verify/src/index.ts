export { createVerifier } from './verifier.ts';
export type { Verifier } from './verifier.ts';
export type { VerifierOptions } from './options.ts';
export type { VerifierEvent } from './events.ts';
export type { FeedStatus } from './feed.ts';
export type { Middleware } from './middleware.ts';
export type { VerifierStatus } from './mounted-trust.ts';
export type { ClientStatus } from './service-client.ts';
export { currentUserOf, userOf } from './user-of.ts';
export type { User } from './user.ts';
export type { AccessTokenClaims } from './access-token-claims.ts';
export type { Clock, Millis } from './clock.ts';
export type { RefreshOutcome } from './identify.ts';
export {
  AuthorizationMalformed,
  CsrfRejected,
  RefreshUnavailable,
  SessionRefused,
  TokenAlgorithmRefused,
  TokenAudienceRefused,
  TokenClaimsRefused,
  TokenError,
  TokenExpired,
  TokenHeaderRefused,
  TokenIssuerRefused,
  TokenKeyUnknown,
  TokenMalformed,
  TokenNotYetValid,
  TokenSignatureInvalid,
  TokenTooLarge,
  TokenTypeRefused,
  Unauthenticated,
  VerifierNotReady,
  VerifyError,
} from './errors.ts';
export type { VerifyErrorOptions } from './errors.ts';
