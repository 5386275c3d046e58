import type { AccessTokenClaims } from './access-token-claims.ts';

/**
 * Why a request or a token is refused. `code` is stable: switch on it. The message is for the client too, so it never
 * holds what the client sent.
 */
export abstract class VerifyError extends Error {
  abstract readonly code: string;
  /** The HTTP status that the middleware answers with. */
  abstract readonly status: 401 | 403 | 503;
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, { retryAfterSeconds, ...options }: VerifyErrorOptions = {}) {
    super(message, options);
    this.name = new.target.name;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export interface VerifyErrorOptions extends ErrorOptions {
  readonly retryAfterSeconds?: number;
}

/** Nobody is signed in: the request carries no access token. */
export class Unauthenticated extends VerifyError {
  override readonly code: string = 'UNAUTHENTICATED';
  override readonly status: 401 = 401 as const;

  constructor() {
    super('sign in first');
  }
}

/** There is a token, and it is not valid. */
export abstract class TokenError extends VerifyError {
  override readonly status: 401 = 401 as const;
}

/** `Authorization` is not `Bearer` and one token. */
export class AuthorizationMalformed extends TokenError {
  override readonly code: string = 'AUTHORIZATION_MALFORMED';

  constructor() {
    super('Authorization must be Bearer and an access token');
  }
}

/** Not three parts of canonical base64url, or a part that is not a JSON object. */
export class TokenMalformed extends TokenError {
  override readonly code: string = 'TOKEN_MALFORMED';

  constructor(options?: VerifyErrorOptions) {
    super('the access token is not a JWT', options);
  }
}

/** Longer than 8 KiB. */
export class TokenTooLarge extends TokenError {
  override readonly code: string = 'TOKEN_TOO_LARGE';

  constructor() {
    super('the access token is longer than 8 KiB');
  }
}

/** Not of type `at+jwt`: an ID token, an assertion, or a token of another kind. */
export class TokenTypeRefused extends TokenError {
  override readonly code: string = 'TOKEN_TYPE_REFUSED';

  constructor() {
    super('the token is not of type at+jwt');
  }
}

/** The header brings its own key, or demands something of the verifier (`jwk`, `jku`, `x5u`, `crit`, `b64`, …). */
export class TokenHeaderRefused extends TokenError {
  override readonly code: string = 'TOKEN_HEADER_REFUSED';

  constructor(parameter: string) {
    super(`the header of the access token must not have ${parameter}`);
  }
}

/** No key of this id is in force: signed by somebody else, or by a key that was retired or revoked. */
export class TokenKeyUnknown extends TokenError {
  override readonly code: string = 'TOKEN_KEY_UNKNOWN';

  constructor() {
    super('the access token is signed by an unknown key');
  }
}

/** Not the algorithm of the key it names. */
export class TokenAlgorithmRefused extends TokenError {
  override readonly code: string = 'TOKEN_ALGORITHM_REFUSED';

  constructor() {
    super('the access token is not signed with the algorithm of its key');
  }
}

/** The key did not make this signature. */
export class TokenSignatureInvalid extends TokenError {
  override readonly code: string = 'TOKEN_SIGNATURE_INVALID';

  constructor(options?: VerifyErrorOptions) {
    super('the signature of the access token is invalid', options);
  }
}

/** A claim is missing or of the wrong type. */
export class TokenClaimsRefused extends TokenError {
  override readonly code: string = 'TOKEN_CLAIMS_REFUSED';

  constructor(claim: string) {
    super(`the claim ${claim} of the access token is missing or invalid`);
  }
}

/** Of another issuer. */
export class TokenIssuerRefused extends TokenError {
  override readonly code: string = 'TOKEN_ISSUER_REFUSED';

  constructor() {
    super('the access token is of another issuer');
  }
}

/** Not meant for this service. */
export class TokenAudienceRefused extends TokenError {
  override readonly code: string = 'TOKEN_AUDIENCE_REFUSED';

  constructor() {
    super('the access token is for another audience');
  }
}

/** `nbf` or `iat` lies ahead. */
export class TokenNotYetValid extends TokenError {
  override readonly code: string = 'TOKEN_NOT_YET_VALID';

  constructor() {
    super('the access token is not valid yet');
  }
}

/** Valid but for its expiry, so its session may be asked for a new one. */
export class TokenExpired extends TokenError {
  override readonly code: string = 'TOKEN_EXPIRED';
  readonly claims: AccessTokenClaims;

  constructor(claims: AccessTokenClaims) {
    super('the access token has expired');
    this.claims = claims;
  }
}

/** The session has ended, or it is not the one of the expired token. */
export class SessionRefused extends VerifyError {
  override readonly code: string = 'SESSION_REFUSED';
  override readonly status: 401 = 401 as const;

  constructor() {
    super('the session has ended; sign in again');
  }
}

/** A request that changes something and is authenticated by a cookie does not come from a page of the stack. */
export class CsrfRejected extends VerifyError {
  override readonly code: string = 'CSRF_REJECTED';
  override readonly status: 403 = 403 as const;

  constructor() {
    super('Sec-Fetch-Site must be same-origin, or else Origin the origin of this site');
  }
}

/**
 * The access token has expired, or its key is gone, and the auth service, which would renew it, gives none that verifies here.
 * Nobody is signed out.
 */
export class RefreshUnavailable extends VerifyError {
  override readonly code: string = 'REFRESH_UNAVAILABLE';
  override readonly status: 503 = 503 as const;

  constructor({ retryAfterSeconds = 2, ...options }: VerifyErrorOptions = {}) {
    super('the access token has expired and cannot be renewed right now', { retryAfterSeconds, ...options });
  }
}

/** The mounted Secret is not there yet, or was never usable. */
export class VerifierNotReady extends VerifyError {
  override readonly code: string = 'VERIFIER_NOT_READY';
  override readonly status: 503 = 503 as const;

  constructor() {
    super('the keys for access tokens are not loaded yet', { retryAfterSeconds: 2 });
  }
}

/** The content of the directory is unusable; the last usable content stays in force. */
export class MountUnusable extends Error {
  readonly code: string = 'MOUNT_UNUSABLE';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MountUnusable';
  }
}

/** This service has nothing to show the auth service; the message names the file that is missing or unusable. */
export class ClientUnidentified extends Error {
  readonly code: string = 'CLIENT_UNIDENTIFIED';

  constructor(message: string) {
    super(message);
    this.name = 'ClientUnidentified';
  }
}

/** The auth service does not take this service for one of its consumers; the message is for those who run it. */
export class ClientRefused extends Error {
  readonly code: string = 'CLIENT_REFUSED';

  constructor(message: string) {
    super(message);
    this.name = 'ClientRefused';
  }
}

/** The stack lets no service renew tokens; only its own page does. */
export class InlineRefreshOff extends Error {
  readonly code: string = 'INLINE_REFRESH_OFF';

  constructor() {
    super('the stack has spec.auth.inlineRefresh: false, so only its own page renews tokens');
    this.name = 'InlineRefreshOff';
  }
}
