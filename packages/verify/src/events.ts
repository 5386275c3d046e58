import { emitWarning } from 'node:process';
import type { RefreshOutcome } from './identify.ts';
import type { FeedEvent } from './feed.ts';
import type { TrustEvent } from './mounted-trust.ts';

export type VerifierEvent =
  | TrustEvent
  | FeedEvent
  /** The middleware answered instead of a handler. */
  | { readonly type: 'refused'; readonly code: string }
  /** A request came with an expired token, and the auth service was asked for a new one. */
  | { readonly type: 'refresh'; readonly outcome: RefreshOutcome; readonly reason?: string }
  /**
   * The auth service does not take this service for one of its consumers, and says why. Nobody is renewed here until it does.
   * Once for each reason.
   */
  | { readonly type: 'clientRefused'; readonly clientId: string; readonly reason: string };

export type Report = (event: VerifierEvent) => void;

/**
 * A callback of the service's that cannot stop what it is told of: neither a request nor the next look at the mounted Secret.
 * What it throws, or rejects with, is a warning of the process, once: a fault in it would otherwise repeat with every request.
 */
export function contained(report: (event: VerifierEvent) => unknown): Report {
  let hasWarned = false;
  function warn(error: unknown): void {
    if (hasWarned) return;
    hasWarned = true;
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    emitWarning('createVerifier: report threw; its further errors are dropped', { code: 'AUTHSTACK_REPORT', detail });
  }

  return (event) => {
    try {
      const result = report(event);
      // An async function where a plain one is asked for.
      if (result instanceof Promise) result.catch(warn);
    } catch (error) {
      warn(error);
    }
  };
}
