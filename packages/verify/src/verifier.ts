import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { clockSkewWithin } from './clock-skew.ts';
import { systemRandom } from './clock.ts';
import { VerifierNotReady } from './errors.ts';
import { contained } from './events.ts';
import { Feed } from './feed.ts';
import { hideSession } from './identify.ts';
import type { RefreshOutcome } from './identify.ts';
import { createGuard } from './middleware.ts';
import type { Middleware } from './middleware.ts';
import { MountedTrust } from './mounted-trust.ts';
import type { VerifierStatus } from './mounted-trust.ts';
import { checkOptions } from './options.ts';
import type { VerifierOptions } from './options.ts';
import { Refresher } from './refresh.ts';
import { ServiceClient } from './service-client.ts';
import { TokenCache } from './token-cache.ts';
import { verifyToken } from './token.ts';
import { userFrom } from './user.ts';
import type { User } from './user.ts';

export interface Verifier extends Disposable, AsyncDisposable {
  /** The user that a token was issued for; throws a VerifyError with a `code` of its own for every way it can be wrong. */
  verify(token: string): User;
  readonly status: VerifierStatus;
  /** Lets signed-in users pass and answers everybody else with a problem document. Handlers call `userOf(request)`. */
  requireUser(): Middleware;
  /** Lets everybody pass; handlers call `currentUserOf(request)`. Forged requests are refused all the same. */
  currentUser(): Middleware;
  /** Takes the session token out of requests. The other two do so too; this is for what runs before or without them. */
  hideSession(): Middleware;
  /**
   * Stops watching the directory, and leaves the auth service, which no longer waits for this verifier to have the next key. For the
   * end of a service, after its last request. Resolves once the auth service was told, or could not be within 2 s; a process that
   * exits before that has merely lost its connection. Never rejects.
   */
  close(): Promise<void>;
}

/**
 * Verifies access tokens with the mounted keys and follows their changes. Verifying a token calls nobody. Throws a TypeError
 * for an option that is not what it should be.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { directory, tokenFile, clock, clockSkewSeconds, cacheSize, ...callbacks } = checkOptions(options);
  const report = contained(callbacks.report);
  const client = new ServiceClient({
    directory,
    tokenFile,
    clock,
    refused(clientId, reason) {
      report({ type: 'clientRefused', clientId, reason });
    },
  });
  let cache = new TokenCache(cacheSize);
  const trust: MountedTrust = new MountedTrust({
    directory,
    clock,
    report,
    clientOf: (mounted) => client.statusFor(mounted),
    // What an earlier key vouched for must be verified again.
    replaced: () => {
      cache = new TokenCache(cacheSize);
    },
    keysChanged: () => {
      feed.keysChanged();
    },
    mounted: ({ hasMoved }) => {
      if (hasMoved) feed.reconnect();
      else feed.lookAgain();
    },
    feed: () => (callbacks.feed ? feed.status : { state: 'off', reason: 'the option feed is false' }),
  });
  const feed: Feed = new Feed({
    ...{ clock, client, report, random: systemRandom },
    trust: () => trust.current,
    instance: randomUUID(),
    name: hostname().slice(0, 253),
    received: (keys) => {
      trust.fed(keys);
    },
    away: () => {
      trust.feedIsAway();
    },
  });

  function verify(token: string): User {
    // Without keys nothing can be said about a token, neither good nor bad.
    if (!trust.current || trust.current.keys.size === 0) throw new VerifierNotReady();
    const now = clock.now();
    const known = cache.get(token, now);
    if (known) return known;
    const clockSkew = clockSkewWithin(trust.current.clockSkew, clockSkewSeconds);
    const claims = verifyToken(token, trust.current, { now, clockSkew });
    const user = userFrom(claims);
    cache.set(token, user, { until: (claims.exp + clockSkew) * 1000, now });
    return user;
  }

  const ports = {
    trust: () => trust.current,
    verify,
    refresher: new Refresher({ clock, client }),
    refreshEnded(outcome: RefreshOutcome, reason?: string) {
      report({ type: 'refresh', outcome, ...(reason !== undefined && { reason }) });
    },
  };
  const guard = createGuard(ports, (code) => {
    report({ type: 'refused', code });
  });
  // No bound function: `using` of Node 24 takes none.
  const close = (): Promise<void> => {
    trust.close();
    return feed.close();
  };
  trust.start();
  if (callbacks.feed) void feed.run();

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
    [Symbol.asyncDispose]: close,
    [Symbol.dispose]: () => void close(),
  };
}
