/** RFC 9068, with the session (`sid`) and the version of the user (`ver`) that the token was issued for. */
export interface AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: string | readonly string[];
  /** Seconds since the epoch, like all times of a token. */
  readonly exp: number;
  readonly iat: number;
  readonly nbf?: number;
  readonly jti: string;
  readonly client_id: string;
  readonly sid: string;
  readonly ver: number;
  readonly roles: readonly string[];
  readonly auth_time?: number;
}
