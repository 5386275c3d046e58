/**
 * Every number of the throttles. docs/auth-service.md ("Throttles") gives them to users, and the reasons are in
 * docs/decisions/0064-strangers-wait-and-known-devices-pass.md.
 */

/** How many requests of one operation a network may make. */
export interface Window {
  readonly points: number;
  readonly seconds: number;
  /**
   * So many are taken from the database at once and spent by the pod from memory. A divisor of `points`: then exactly so many are
   * granted, however many pods there are, and fewer where a pod does not spend what it took.
   */
  readonly share: number;
}

export type Operation = 'sign_in' | 'sign_up' | 'refresh';

/** Per network of the client; of sign-in, a known device has one of its own instead. */
export const windows: Readonly<Record<Operation, Window>> = {
  sign_in: { points: 600, seconds: 60, share: 20 },
  sign_up: { points: 300, seconds: 600, share: 10 },
  // Also what consumers refresh for their callers, and all of those come from the consumer's own pods.
  refresh: { points: 6_000, seconds: 60, share: 100 },
};

/**
 * A sign-in costs its network so many points when the password is wrong, and one when it is not: guessing at many accounts ends
 * early, a busy office does not. A known device is nobody's office, and pays in full from a window of its own.
 */
export const SIGN_IN_POINTS = 10;

/** Whose failed sign-ins are counted together. */
export type Counted = 'address_on_account' | 'account' | 'device';

/** What a client may have renewed for its callers by one pod: so many at once, and so many more wait their turn. */
export const renewalsOfClient = { places: 32, waiting: 1_024, retryAfter: 1_000 } as const;

/** What one session may have renewed by one pod. A browser needs one in the life of a token, for all services together. */
export const renewalsOfSession = { points: 60, seconds: 60 } as const;

/** How attempts at one account slow down. */
export interface Delays {
  /** So many wrong passwords cost nothing. */
  readonly free: number;
  /** After that one attempt per delay, doubled by each wrong password from the first to the longest. */
  readonly firstSeconds: number;
  readonly longestSeconds: number;
  /** Attempts under way at once in one pod, while no password was wrong. */
  readonly together: number;
}

/** Failures are forgotten so long after the first of them. */
export const FORGET_SECONDS = 86_400;

export const delays: Readonly<Record<Counted, Delays>> = {
  // A stranger's network is slowed down for this account alone, and hardly reaches the next, which the owner shares.
  address_on_account: { free: 5, firstSeconds: 5, longestSeconds: 900, together: 20 },
  // Guesses from many networks. Its longest is short, for it is what the owner waits for on a device that is new.
  account: { free: 50, firstSeconds: 1, longestSeconds: 60, together: 40 },
  // Whoever shows a device that signed in before is counted alone: no stranger makes it wait.
  device: { free: 10, firstSeconds: 5, longestSeconds: 900, together: 20 },
};

/** Seconds until the next attempt after that many failures. */
export function delayAfter(failures: number, { free, firstSeconds, longestSeconds }: Delays): number {
  return Math.min(longestSeconds, firstSeconds * 2 ** Math.max(0, failures - free));
}
