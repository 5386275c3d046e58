import type { Millis } from '@authstack/http-service/clock';

/** Why a stream is ended: also a label of metrics. */
export type EndReason =
  'not_reading' | 'memory' | 'age' | 'replaced' | 'client_refused' | 'credential_changed' | 'draining' | 'client_gone';

/** Of a stream, as seen at one moment. */
export interface SeenStream {
  /** Bytes that were sent and that the client's side has not taken. */
  readonly backlog: number;
  /** Since when there have been such, on the monotonic clock. */
  readonly backlogSince: Millis | undefined;
  /** On the same clock. */
  readonly endsAt: Millis;
}

export const streamLimits = {
  /** Of one client on one pod. */
  perClient: 256,
  /** On one pod. */
  inAll: 2_048,
  /** A set of keys has some thousand bytes, at most 200,000. */
  backlog: 256 * 1024,
  backlogFor: 10_000,
  /** Of all streams together. */
  backlogInAll: 32 * 1024 * 1024,
  /**
   * Of a stream. The client comes again at once, and shows its credential anew; a client whose machine is gone leaves its place;
   * and connections spread over pods that have come since.
   */
  age: 60 * 60_000,
} as const;

/** Which streams end now, and why: each that does not read, and where memory runs short, those that hold most of it. */
export function streamsToEnd<S extends SeenStream>(streams: Iterable<S>, now: Millis): ReadonlyMap<S, EndReason> {
  const ended = new Map<S, EndReason>();
  const rest: S[] = [];
  for (const stream of streams) {
    const reason = reasonToEnd(stream, now);
    if (reason === undefined) rest.push(stream);
    else ended.set(stream, reason);
  }
  let held = rest.reduce((sum, { backlog }) => sum + backlog, 0);
  for (const stream of rest.toSorted((a, b) => b.backlog - a.backlog)) {
    if (held <= streamLimits.backlogInAll) break;
    held -= stream.backlog;
    ended.set(stream, 'memory');
  }
  return ended;
}

function reasonToEnd({ backlog, backlogSince, endsAt }: SeenStream, now: Millis): EndReason | undefined {
  const isStuck = backlogSince !== undefined && now - backlogSince >= streamLimits.backlogFor;
  if (isStuck || backlog > streamLimits.backlog) return 'not_reading';
  return now >= endsAt ? 'age' : undefined;
}
