import { isApiError } from './client.ts';
import type { ApiClient } from './client.ts';
import type { Clock } from './clock.ts';
import { wait } from './clock.ts';
import { microTime } from './events.ts';
import { messageOf } from './log.ts';
import type { Log } from './log.ts';
import type { Kind, KubernetesObject, Millis } from './objects.ts';
import { collectionPath, objectPath } from './paths.ts';

interface Lease extends KubernetesObject {
  readonly spec?: LeaseSpec;
}

interface LeaseSpec {
  /** Empty: released. */
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

const leaseKind: Kind<Lease> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

export interface LeaderElectionOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  readonly name: string;
  /** Of this process, unlike any other's. */
  readonly identity: string;
  /** Whole seconds; every other time follows from it (`timingsOf`). Default `LEASE`. */
  readonly lease?: Millis;
  readonly onLeading?: (leads: boolean) => void;
  /** The lease is ours for another while. */
  readonly onRenewed?: () => void;
}

/** Thrown by work that was told to stop and does not: its lease must expire, for the next leader would work beside it. */
export class WorkGoesOn extends Error {
  override readonly name: string = 'WorkGoesOn';
}

/** How long a lease is good for, unless it is set: a successor leads within 15 s of its leader's death. */
export const LEASE: Millis = 12_000;

/**
 * A leader that cannot renew has stopped before another may begin. Both count on their own monotonic clocks, the leader from the
 * moment in which it sent a renewal, the others from the moment in which they saw it, which is later:
 *
 *     leader    sent ───── renewWithin ─────┤── stopWithin ──┤ exitWithin ┤   1 s for clocks and event loops
 *     standby    └ seen ────────────────────────── lease ────────────────────────┤ takes it
 *                 ≤ lookEvery after the last renewal
 *
 * A leader dies at worst right after a renewal, so its successor leads `lookEvery`, `lease` and three answers of the API server
 * later.
 */
interface Timings {
  readonly lease: Millis;
  /** A leader whose last renewal was sent so long ago stops. */
  readonly renewWithin: Millis;
  /** Work that has not stopped by then is not waited for. */
  readonly stopWithin: Millis;
  /** A renewal begins so long after the one before it began: a slow answer makes the next no later. */
  readonly renewEvery: Millis;
  /** After a renewal that failed. */
  readonly renewAgain: Millis;
  /** Whoever waits looks at the lease so often, and when it runs out. */
  readonly lookEvery: Millis;
  /** A request without an answer is given up, for its connection may be what is broken: there is time for another one. */
  readonly answerWithin: Millis;
}

function timingsOf(lease: Millis = LEASE): Timings {
  const renewWithin = (lease * 2) / 3;
  return {
    lease,
    renewWithin,
    stopWithin: lease / 6,
    renewEvery: lease / 6,
    renewAgain: lease / 24,
    lookEvery: lease / 12,
    answerWithin: renewWithin / 2,
  };
}

/** With the jitter that keeps those who wait from looking all in the same moment. */
const LOOK_JITTER = 0.2;

/**
 * Waits to become the leader and then runs `lead`, whose signal aborts when leadership is lost or `signal` aborts.
 * Resolves when it is over; the process should then end, since whatever it was doing was cut off.
 */
export async function runAsLeader(
  options: LeaderElectionOptions,
  signal: AbortSignal,
  lead: (signal: AbortSignal) => Promise<void>,
): Promise<'finished' | 'lost'> {
  const elector = new Elector(options);
  let mayRelease = true;
  try {
    await elector.acquire(signal);
    if (signal.aborted) return 'finished';
    const outcome = await leadWith(elector, { signal, lead, ...options });
    mayRelease = outcome === 'finished';
    return outcome;
  } catch (error) {
    mayRelease = !(error instanceof WorkGoesOn);
    throw error;
  } finally {
    // Also after an attempt that was cut off: it may have reached the server.
    if (mayRelease) await elector.release();
  }
}

async function leadWith(
  elector: Elector,
  { signal, lead, onLeading, clock, lease }: Pick<LeaderElectionOptions, 'onLeading' | 'clock' | 'lease'> & LeaderWork,
): Promise<'finished' | 'lost'> {
  const leadership = new AbortController();
  const ended = new AbortController();
  // Renewed until the work has ended, also while it is being stopped: what still runs must not run beside the next leader.
  const renewal = elector.renew(ended.signal).then((outcome) => {
    if (outcome === 'lost') leadership.abort(new Error('leadership was lost'));
    return outcome;
  });
  // Work that does not stop when the lease is lost is not waited for: the process must end before another leads.
  const overdue = renewal.then((outcome) =>
    outcome === 'lost' ? wait(clock, timingsOf(lease).stopWithin, ended.signal).catch(() => undefined) : undefined,
  );
  onLeading?.(true);
  try {
    const work = lead(AbortSignal.any([signal, leadership.signal]));
    await Promise.race([work, overdue]);
  } finally {
    ended.abort();
    onLeading?.(false);
  }
  return (await renewal) === 'lost' ? 'lost' : 'finished';
}

interface LeaderWork {
  readonly signal: AbortSignal;
  readonly lead: (signal: AbortSignal) => Promise<void>;
}

type Attempt = 'mine' | 'of another' | 'raced' | 'failed';

class Elector {
  private readonly options: LeaderElectionOptions;
  private readonly path: string;
  private readonly timings: Timings;
  /** The lease as last seen, and when on our own clock: other machines' clocks are never believed. */
  private seen: { readonly version: string; readonly at: Millis; readonly duration: Millis } | undefined;
  /** As our last write left it: the next one needs no look, for a version that has changed since is refused. */
  private held: Lease | undefined;
  /** When the request that last renewed our lease was sent: the server's count begins no earlier. */
  private renewedAt: Millis = -Infinity;

  constructor(options: LeaderElectionOptions) {
    this.options = options;
    this.path = objectPath(leaseKind, options);
    this.timings = timingsOf(options.lease);
  }

  async acquire(signal: AbortSignal): Promise<void> {
    const { clock, log, identity, name } = this.options;
    while (!signal.aborted) {
      if ((await this.attempt(signal)) === 'mine') {
        log.info({ lease: name, identity }, 'leading');
        return;
      }
      await wait(clock, this.untilNextLook(), signal).catch(() => undefined);
    }
  }

  /** Until `signal` aborts; 'lost' as soon as another holds the lease or ours was not renewed in time. */
  async renew(signal: AbortSignal): Promise<'stopped' | 'lost'> {
    const { clock, log, name } = this.options;
    const { renewWithin, renewEvery, renewAgain } = this.timings;
    let next = this.renewedAt + renewEvery;
    for (;;) {
      const pause = Math.min(next - clock.monotonic(), this.timeLeft());
      await wait(clock, Math.max(0, pause), signal).catch(() => undefined);
      if (signal.aborted) return 'stopped';
      if (this.timeLeft() <= 0) {
        log.error({ lease: name }, `lease was not renewed within ${renewWithin} ms; no longer leading`);
        return 'lost';
      }
      const outcome = await this.attempt(signal, this.timeLeft());
      if (outcome === 'of another') return 'lost';
      next = outcome === 'mine' ? this.renewedAt + renewEvery : clock.monotonic() + renewAgain;
    }
  }

  /** So that the next leader need not wait for the lease to run out. */
  async release(): Promise<void> {
    const { identity, log } = this.options;
    const signal = AbortSignal.timeout(5_000);
    try {
      const lease = await this.read(signal);
      if (lease?.spec?.holderIdentity !== identity) return;
      await this.put({ ...lease, spec: { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 } }, signal);
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'the lease was not released; it will run out');
    }
  }

  private timeLeft(): Millis {
    return this.renewedAt + this.timings.renewWithin - this.options.clock.monotonic();
  }

  /** Takes or renews the lease, and gives up after `within`. */
  private async attempt(signal: AbortSignal, within: Millis = Infinity): Promise<Attempt> {
    const { clock, log, name } = this.options;
    const deadline = clock.monotonic() + within;
    try {
      return await this.tryOnce(signal, deadline);
    } catch (error) {
      if (!signal.aborted) log.warn({ lease: name, error: messageOf(error) }, `lease ${name} was not written`);
      return 'failed';
    }
  }

  private async tryOnce(signal: AbortSignal, deadline: Millis): Promise<Attempt> {
    const { held } = this;
    this.held = undefined;
    const lease = held ?? (await this.inTime((inTime) => this.read(inTime), { signal, deadline }));
    if (lease && !this.mayTake(lease)) return 'of another';
    const sent = this.options.clock.monotonic();
    try {
      this.held = await this.inTime((inTime) => (lease ? this.take(lease, inTime) : this.post(inTime)), {
        signal,
        deadline,
      });
    } catch (error) {
      // Somebody was quicker, or an earlier request of ours arrived late; the next attempt shows which.
      if (isApiError(error, 409)) return 'raced';
      throw error;
    }
    this.renewedAt = sent;
    this.options.onRenewed?.();
    return 'mine';
  }

  /** One request. */
  private async inTime<T>(
    send: (signal: AbortSignal) => Promise<T>,
    { signal, deadline }: { readonly signal: AbortSignal; readonly deadline: Millis },
  ): Promise<T> {
    const { clock } = this.options;
    const within = Math.max(0, Math.min(this.timings.answerWithin, deadline - clock.monotonic()));
    const late = new AbortController();
    const cancel = clock.after(within, () => {
      late.abort(new Error(`no answer within ${Math.round(within)} ms`));
    });
    try {
      return await send(AbortSignal.any([signal, late.signal]));
    } finally {
      cancel();
    }
  }

  private takenOver({ holderIdentity = '', acquireTime, leaseTransitions = 0 }: LeaseSpec = {}): LeaseSpec {
    const { clock, identity } = this.options;
    const now = microTime(clock.now());
    const mine = { holderIdentity: identity, leaseDurationSeconds: this.timings.lease / 1000, renewTime: now };
    return holderIdentity === identity
      ? { ...mine, acquireTime: acquireTime ?? now, leaseTransitions }
      : { ...mine, acquireTime: now, leaseTransitions: leaseTransitions + 1 };
  }

  private post(signal: AbortSignal): Promise<Lease> {
    const { client, namespace, name } = this.options;
    const { apiVersion, kind } = leaseKind;
    const body = { apiVersion, kind, metadata: { name, namespace }, spec: this.takenOver() };
    return client.send<Lease>({ method: 'POST', path: collectionPath(leaseKind, namespace), body, signal });
  }

  private mayTake({ metadata, spec }: Lease): boolean {
    const { clock, identity } = this.options;
    const version = metadata.resourceVersion ?? '';
    if (this.seen?.version !== version) {
      const duration = (spec?.leaseDurationSeconds ?? this.timings.lease / 1000) * 1000;
      this.seen = { version, at: clock.monotonic(), duration };
    }
    const holder = spec?.holderIdentity ?? '';
    return holder === '' || holder === identity || clock.monotonic() - this.seen.at > this.seen.duration;
  }

  private async read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.options.client.send<Lease>({ method: 'GET', path: this.path, signal });
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      throw error;
    }
  }

  private take(lease: Lease, signal: AbortSignal): Promise<Lease> {
    return this.put({ ...lease, spec: this.takenOver(lease.spec) }, signal);
  }

  private put(lease: Lease, signal: AbortSignal): Promise<Lease> {
    return this.options.client.send<Lease>({ method: 'PUT', path: this.path, body: lease, signal });
  }

  /** No later than the lease that was seen runs out. */
  private untilNextLook(): Millis {
    const { clock } = this.options;
    const jittered = this.timings.lookEvery * (1 + clock.random() * LOOK_JITTER);
    const left = this.seen ? this.seen.at + this.seen.duration + 1 - clock.monotonic() : Infinity;
    return left > 0 ? Math.min(jittered, left) : jittered;
  }
}
