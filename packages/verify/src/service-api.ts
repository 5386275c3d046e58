/** What the auth service and the services that verify its tokens agree on, for its listener for services. */
export const serviceApi = {
  /** A new access token for a session: takes `{session_token}`, answers `{access_token, expires_in, session_expires_in}`, times in seconds. */
  refreshPath: '/api/users/refresh',
  /** Server-sent events: what changes for those who verify tokens. */
  eventsPath: '/events',
  /** Takes which keys a verifier has. */
  acknowledgePath: '/events/acknowledgement',
  /** Takes which verifier is about to end, and is not to be waited for. */
  goodbyePath: '/events/goodbye',
  /** Header beside a ServiceAccount's token: the `client-id` of the AuthConsumer that names this ServiceAccount. */
  clientIdHeader: 'authstack-client-id',
  /** Codes of a 403 that refuses a session. A 401 is never about a session there: it refuses the client. */
  sessionRefusals: ['SESSION_INVALID', 'SESSION_REUSED', 'USER_BANNED', 'USER_DISABLED'],
  /** Code of a 403 that refuses every renewal: the stack has `inlineRefresh: false`. */
  inlineRefreshOff: 'INLINE_REFRESH_OFF',
} as const;
