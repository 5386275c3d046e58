/** What the auth service and the services that verify its tokens agree on, for its listener for services. */
export const serviceApi = {
  /** A new access token for a session: takes `{"session_token"}`, answers `RenewedToken`. */
  refreshPath: '/api/users/refresh',
  /** Server-sent events: what changes for those who verify tokens. */
  eventsPath: '/events',
  /** Takes which keys a verifier has. */
  acknowledgePath: '/events/acknowledgement',
  /** Header beside a ServiceAccount's token: the `client-id` of the AuthConsumer that names this ServiceAccount. */
  clientIdHeader: 'authstack-client-id',
} as const;
