import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { MountUnusable, VerifierNotReady } from './errors.ts';
import type { VerifyError } from './errors.ts';
import { hideSession, identify } from './identify.ts';
import type { Identity, RefreshOutcome } from './identify.ts';
import { Mount } from './mount.ts';
import { sendProblem } from './problem.ts';
import { Refresher } from './refresh.ts';
import { TokenCache } from './token-cache.ts';
import { verifyToken } from './token.ts';
import { parseTrust } from './trust.ts';
import type { Trust, TrustFiles } from './trust.ts';
import { rememberUser, userFrom } from './user.ts';
import type { User } from './user.ts';

export interface VerifierOptions {
  /** Where the Secret of an AuthConsumer is mounted, as a whole: a `subPath` would never see a new key. */
  readonly directory: string;
  /** How far the clocks of two nodes may differ; at most the stack's `propagation.clockSkew`. Default 10. */
  readonly clockSkewSeconds?: number;
  /** How many verified tokens are remembered until they expire, so that each is verified once. Default 10,000. */
  readonly cacheSize?: number;
  /** For logs and metrics. Never told a token. */
  readonly report?: (event: VerifierEvent) => void;
  /** For tests. */
  readonly clock?: Clock;
}

export type VerifierEvent =
  /** The mounted Secret was read and is in force. */
  | { readonly type: 'loaded'; readonly issuer: string; readonly kids: readonly string[] }
  /** The mounted Secret cannot be used. `keptKids`: what stays in force, empty if there never was anything. */
  | { readonly type: 'notLoaded'; readonly reason: string; readonly keptKids: readonly string[] }
  /** The middleware answered instead of a handler. */
  | { readonly type: 'refused'; readonly code: string }
  /** A request came with an expired token, and the auth service was asked for a new one. */
  | { readonly type: 'refresh'; readonly outcome: RefreshOutcome; readonly reason?: string };

export type VerifierStatus =
  | { readonly state: 'waiting'; readonly reason: string }
  /** `trouble`: why what is mounted now is not in force. */
  | { readonly state: 'ready'; readonly issuer: string; readonly kids: readonly string[]; readonly trouble?: string };

/** Express, connect and whatever else hands on Node's own requests. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

export interface Verifier extends Disposable {
  /** Whoever the token stands for; throws a VerifyError with a `code` of its own for every way it can be wrong. */
  verify(token: string): User;
  readonly status: VerifierStatus;
  /** Lets signed-in users pass, answers all others with a problem document. Handlers ask `userOf(request)`. */
  requireUser(): Middleware;
  /** Lets everybody pass; handlers ask `currentUserOf(request)`. What is forged is refused all the same. */
  currentUser(): Middleware;
  /** Takes the session token out of requests. The other two do so too; this is for what runs before or without them. */
  hideSession(): Middleware;
  close(): void;
}

const DEFAULT_CLOCK_SKEW_SECONDS = 10;
const DEFAULT_CACHE_SIZE = 10_000;

/** Verifies access tokens with the mounted keys, follows their changes, and never calls anybody to verify one. */
export function createVerifier(options: VerifierOptions): Verifier {
  const { directory, clock = systemClock, report = nobodyListens } = options;
  const { clockSkewSeconds = DEFAULT_CLOCK_SKEW_SECONDS, cacheSize = DEFAULT_CACHE_SIZE } = options;
  let trust: Trust | undefined;
  let trouble: string | undefined = `${directory}: not read yet`;
  let cache = new TokenCache<User>(cacheSize);

  function contentChanged(content: TrustFiles | MountUnusable): void {
    try {
      if (content instanceof MountUnusable) throw content;
      trust = parseTrust(content);
      trouble = undefined;
      // What an older key vouched for has to be vouched for anew.
      cache = new TokenCache(cacheSize);
      report({ type: 'loaded', issuer: trust.issuer, kids: kidsOf(trust) });
    } catch (error) {
      if (!(error instanceof MountUnusable)) throw error;
      trouble = `${directory}: ${error.message}`;
      report({ type: 'notLoaded', reason: trouble, keptKids: kidsOf(trust) });
    }
  }

  function verify(token: string): User {
    if (!trust) throw new VerifierNotReady();
    const now = clock.now();
    const known = cache.get(token, now);
    if (known) return known;
    const claims = verifyToken(token, trust, { now, clockSkewSeconds });
    const user = userFrom(claims);
    cache.set(token, { value: user, until: (claims.exp + clockSkewSeconds) * 1000 });
    return user;
  }

  const ports = {
    trust: () => trust,
    verify,
    refresher: new Refresher(clock),
    refreshEnded(outcome: RefreshOutcome, reason?: string) {
      report({ type: 'refresh', outcome, ...(reason !== undefined && { reason }) });
    },
  };

  /** One look at each request, whichever middleware comes first. */
  const identities = new WeakMap<IncomingMessage, Promise<Identity>>();
  function identityOf(request: IncomingMessage, response: ServerResponse): Promise<Identity> {
    const known = identities.get(request) ?? identify(request, response, ports);
    identities.set(request, known);
    return known;
  }

  function guard(refusalOf: (identity: Identity) => VerifyError | undefined): Middleware {
    return (request, response, next) => {
      identityOf(request, response)
        .then((identity) => {
          const refusal = refusalOf(identity);
          if (refusal) {
            report({ type: 'refused', code: refusal.code });
            sendProblem(response, refusal);
            return;
          }
          if (identity.state === 'user') rememberUser(request, identity.user);
          next();
        })
        .catch(next);
    };
  }

  const mount = new Mount({ directory, clock, changed: contentChanged });
  mount.start();

  return {
    verify,
    get status(): VerifierStatus {
      if (!trust) return { state: 'waiting', reason: trouble ?? '' };
      const { issuer } = trust;
      return { state: 'ready', issuer, kids: kidsOf(trust), ...(trouble !== undefined && { trouble }) };
    },
    requireUser: () => guard((identity) => (identity.state === 'user' ? undefined : identity.why)),
    currentUser: () => guard((identity) => (identity.state === 'refused' ? identity.why : undefined)),
    hideSession: () => (request, _response, next) => {
      hideSession(request, trust);
      next();
    },
    close() {
      mount.close();
    },
    [Symbol.dispose]() {
      mount.close();
    },
  };
}

function kidsOf(trust: Trust | undefined): readonly string[] {
  return [...(trust?.keys.keys() ?? [])];
}

function nobodyListens(): void {
  // Reporting is optional.
}
