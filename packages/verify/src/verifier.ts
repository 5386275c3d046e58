import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { VerifierNotReady } from './errors.ts';
import { hideSession } from './identify.ts';
import type { RefreshOutcome } from './identify.ts';
import { createGuard } from './middleware.ts';
import type { Middleware } from './middleware.ts';
import { MountedTrust } from './mounted-trust.ts';
import type { TrustEvent, VerifierStatus } from './mounted-trust.ts';
import { Refresher } from './refresh.ts';
import { TokenCache } from './token-cache.ts';
import { verifyToken } from './token.ts';
import { userFrom } from './user.ts';
import type { User } from './user.ts';

export interface VerifierOptions {
  /** Where the Secret of an AuthConsumer is mounted, as a whole: a `subPath` would never see a new key. */
  readonly directory: string;
  /** How far the clocks of two nodes may differ; at most the stack's `propagation.clockSkew`. Default 10. */
  readonly clockSkewSeconds?: number;
  /** How many verified tokens are kept until they expire, so that each is verified once. Default 10,000. */
  readonly cacheSize?: number;
  /** For logs and metrics. Never called with a token. */
  readonly report?: (event: VerifierEvent) => void;
  /** For tests. */
  readonly clock?: Clock;
}

export type VerifierEvent =
  | TrustEvent
  /** The middleware answered instead of a handler. */
  | { readonly type: 'refused'; readonly code: string }
  /** A request came with an expired token, and the auth service was asked for a new one. */
  | { readonly type: 'refresh'; readonly outcome: RefreshOutcome; readonly reason?: string };

export interface Verifier extends Disposable {
  /** The user that a token was issued for; throws a VerifyError with a `code` of its own for every way it can be wrong. */
  verify(token: string): User;
  readonly status: VerifierStatus;
  /** Lets signed-in users pass and answers everybody else with a problem document. Handlers call `userOf(request)`. */
  requireUser(): Middleware;
  /** Lets everybody pass; handlers call `currentUserOf(request)`. Forged requests are refused all the same. */
  currentUser(): Middleware;
  /** Takes the session token out of requests. The other two do so too; this is for what runs before or without them. */
  hideSession(): Middleware;
  /** Stops watching the directory. */
  close(): void;
}

const DEFAULT_CLOCK_SKEW_SECONDS = 10;
const DEFAULT_CACHE_SIZE = 10_000;

/** Verifies access tokens with the mounted keys and follows their changes. Verifying a token calls nobody. */
export function createVerifier(options: VerifierOptions): Verifier {
  const { directory, clock = systemClock, report = ignore } = options;
  const { clockSkewSeconds = DEFAULT_CLOCK_SKEW_SECONDS, cacheSize = DEFAULT_CACHE_SIZE } = options;
  let cache = new TokenCache<User>(cacheSize);
  const trust = new MountedTrust({
    directory,
    clock,
    report,
    // What an earlier key vouched for must be verified again.
    replaced: () => {
      cache = new TokenCache(cacheSize);
    },
  });

  function verify(token: string): User {
    if (!trust.current) throw new VerifierNotReady();
    const now = clock.now();
    const known = cache.get(token, now);
    if (known) return known;
    const claims = verifyToken(token, trust.current, { now, clockSkewSeconds });
    const user = userFrom(claims);
    cache.set(token, { value: user, until: (claims.exp + clockSkewSeconds) * 1000 });
    return user;
  }

  const ports = {
    trust: () => trust.current,
    verify,
    refresher: new Refresher(clock),
    refreshEnded(outcome: RefreshOutcome, reason?: string) {
      report({ type: 'refresh', outcome, ...(reason !== undefined && { reason }) });
    },
  };
  const guard = createGuard(ports, (code) => {
    report({ type: 'refused', code });
  });
  const close = trust.close.bind(trust);
  trust.start();

  return {
    verify,
    get status() {
      return trust.status;
    },
    requireUser: () => guard((identity) => (identity.state === 'user' ? undefined : identity.why)),
    currentUser: () => guard((identity) => (identity.state === 'refused' ? identity.why : undefined)),
    hideSession: () => (request, _response, next) => {
      hideSession(request, trust.current);
      next();
    },
    close,
    [Symbol.dispose]: close,
  };
}

function ignore(): void {
  // Reporting is optional.
}
