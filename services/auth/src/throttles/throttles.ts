import type { Clock, Millis } from '@authstack/http-service/clock';
import type { Logger } from 'pino';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { NotReady } from '../errors.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { KeySet, Secrets } from '../secrets/secrets.ts';
import type { Arrival, ClientAddress, ClientAddressOf } from './client-address.ts';
import type { DeviceCookie, Exchange } from './device-cookie.ts';
import { knownDevice } from './device-proof.ts';
import type { KnownDevice } from './device-proof.ts';
import { TooManyAttempts } from './errors.ts';
import { throttleKey } from './keys.ts';
import { SIGN_IN_POINTS } from './limits.ts';
import type { Counted, Operation } from './limits.ts';
import { Shares } from './shares.ts';
import { SignInDelays } from './sign-in-delays.ts';
import type { Attempt, Outcome } from './sign-in-delays.ts';
import type { Subject, ThrottleKey, ThrottleStore } from './throttle-store.ts';

/** Slows down whoever guesses passwords, floods, or makes accounts by the thousand. All of it throws TooManyAttempts. */
export interface Throttles {
  /** Counts a request by the network of its client. */
  admit(operation: 'sign_up' | 'refresh', request: Arrival): Promise<void>;
  /** Carries an attempt out, if it may be now, and counts how it ends. */
  signIn<T>(by: SignInBy, attempt: () => Promise<T>): Promise<T>;
  /** The account has signed in from the device that asks. */
  knows(by: SignInBy): boolean;
  /** From now on the browser shows that the account signed in from it. */
  remember(exchange: Exchange, account: string): void;
}

export interface SignInBy {
  readonly request: Arrival;
  /** Its address as it is stored, whether there is one or not. */
  readonly account: string;
}

export interface ThrottlePorts {
  readonly store: ThrottleStore;
  readonly secrets: () => Secrets | undefined;
  readonly clientOf: ClientAddressOf;
  readonly deviceCookie: DeviceCookie;
  /** What the error of an attempt says of its password. */
  readonly outcomeOf: (error: unknown) => Outcome;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'throttled'>;
}

interface Refusal {
  readonly operation: Operation;
  /** What refused; the audit line names it by its key, which nobody can turn into an address. */
  readonly by: Counted | 'network';
  readonly key: ThrottleKey;
  readonly client: ClientAddress;
  readonly wait: Millis;
}

/** Of one refused key one line a minute: a flood must not flood the log. */
const AUDIT_EVERY_SECONDS = 60;

export function createThrottles(ports: ThrottlePorts): Throttles {
  const { store, secrets, clientOf, deviceCookie, outcomeOf, clock, log, metrics } = ports;
  const shares = new Shares(store, clock);
  const delays = new SignInDelays(store);
  const audited = new RateLimiterMemory({ points: 1, duration: AUDIT_EVERY_SECONDS });
  let knowsOfProxy = false;

  function keys(): KeySet {
    const loaded = secrets();
    if (!loaded) throw new NotReady('the key of the throttles is');
    return loaded.refresh;
  }

  async function refuse({ operation, by, key, client, wait }: Refusal): Promise<never> {
    metrics.throttled.inc({ operation, by });
    const error = new TooManyAttempts(wait);
    const isNew = await audited.consume(key).then(
      () => true,
      () => false,
    );
    if (isNew) {
      const { retryAfterSeconds } = error;
      log.warn(
        { audit: 'throttled', operation, by, key: key.slice(0, 16), network: client.prefix, retryAfterSeconds },
        'security event',
      );
    }
    throw error;
  }

  function clientBehind(request: Arrival): ClientAddress {
    const client = clientOf(request);
    if (client.isUnnamedProxy && !knowsOfProxy) tellOf(client);
    return client;
  }

  /** One window for everybody behind it: then a stranger's guesses make all the others wait. */
  function tellOf({ address }: ClientAddress): void {
    knowsOfProxy = true;
    log.warn(
      { proxy: address },
      'the throttles count all clients of this proxy as one: add it to spec.auth.trustedProxies',
    );
  }

  async function admit(operation: 'sign_up' | 'refresh', request: Arrival): Promise<void> {
    const client = clientBehind(request);
    const key = throttleKey(keys().current, 'network', client.prefix);
    const { granted, wait } = await shares.spend(operation, key);
    if (!granted) await refuse({ operation, by: 'network', key, client, wait });
  }

  function deviceOf({ request, account }: SignInBy): KnownDevice | undefined {
    return knownDevice(deviceCookie.read(request), account, keys());
  }

  async function signIn<T>({ request, account }: SignInBy, attempt: () => Promise<T>): Promise<T> {
    const client = clientBehind(request);
    const device = deviceOf({ request, account });
    const { window, subjects } = countedFor({ account, client, device }, keys());
    const operation = 'sign_in';

    const share = await shares.spend(operation, window.key, SIGN_IN_POINTS);
    if (!share.granted) await refuse({ operation, by: window.by, key: window.key, client, wait: share.wait });
    let outcome: Outcome = 'undecided';
    try {
      const begun = await delays.begin(subjects);
      if (begun.isRefused) {
        // Whoever comes too early pays as for a guess.
        outcome = 'wrong';
        const { by, wait } = begun;
        return await refuse({ operation, by: by.counted, key: by.key, client, wait });
      }
      return await carryOut(begun, attempt, (how) => (outcome = how));
    } finally {
      if (outcome !== 'wrong' && window.by === 'network') shares.giveBack(operation, window.key, SIGN_IN_POINTS - 1);
    }
  }

  async function carryOut<T>(begun: Attempt, attempt: () => Promise<T>, tell: (how: Outcome) => void): Promise<T> {
    let result: T;
    try {
      result = await attempt();
    } catch (error) {
      const outcome = outcomeOf(error);
      tell(outcome);
      // Before the answer: while it cannot be counted, a guess is not told that it was wrong.
      await begun.end(outcome);
      throw error;
    }
    // It is right whether that can be written down or not.
    await begun.end('right').catch(() => undefined);
    return result;
  }

  return {
    admit,
    signIn,
    knows: (by) => deviceOf(by) !== undefined,
    remember(exchange, account) {
      deviceCookie.keep(exchange, account, keys());
    },
  };
}

interface Visitor {
  /** Its address as it is stored, whether there is one or not. */
  readonly account: string;
  readonly client: ClientAddress;
  readonly device: KnownDevice | undefined;
}

interface CountedFor {
  readonly window: { readonly by: 'network' | 'device'; readonly key: ThrottleKey };
  readonly subjects: readonly Subject[];
}

/** A known device is counted alone, so that neither its neighbours nor strangers who guess can keep it out. */
function countedFor({ account, client: { prefix }, device }: Visitor, { current }: KeySet): CountedFor {
  const key = (...parts: readonly string[]): ThrottleKey => throttleKey(current, ...parts);
  if (device) {
    return {
      window: { by: 'device', key: key('device', device.nonce) },
      subjects: [{ counted: 'device', key: key('device', device.nonce, account) }],
    };
  }
  return {
    window: { by: 'network', key: key('network', prefix) },
    subjects: [
      { counted: 'address_on_account', key: key('address_on_account', prefix, account) },
      { counted: 'account', key: key('account', account) },
    ],
  };
}
