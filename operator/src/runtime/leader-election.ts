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
  readonly onLeading?: (leads: boolean) => void;
  /** The lease is ours for another while. */
  readonly onRenewed?: () => void;
}

/** Thrown by work that was told to stop and does not: its lease must expire, for the next leader would work beside it. */
export class WorkGoesOn extends Error {
  override readonly name: string = 'WorkGoesOn';
}

// client-go's defaults. A leader that cannot renew stops before another may begin.
const LEASE: Millis = 15_000;
const RENEW_WITHIN: Millis = 10_000;
const RETRY: Millis = 2_000;
/** Between the end of our leadership and the earliest begin of another's. */
const STOP_WITHIN: Millis = 4_000;

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
  { signal, lead, onLeading, clock }: Pick<LeaderElectionOptions, 'onLeading' | 'clock'> & LeaderWork,
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
    outcome === 'lost' ? wait(clock, STOP_WITHIN, ended.signal).catch(() => undefined) : undefined,
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
  /** The lease as last seen, and when on our own clock: other machines' clocks are never believed. */
  private seen: { readonly version: string; readonly at: Millis } | undefined;
  /** As our last write left it: the next one needs no look, for a version that has changed since is refused. */
  private held: Lease | undefined;
  /** When the request that last renewed our lease was sent: the server's count begins no earlier. */
  private renewedAt: Millis = -Infinity;

  constructor(options: LeaderElectionOptions) {
    this.options = options;
    this.path = objectPath(leaseKind, options);
  }

  async acquire(signal: AbortSignal): Promise<void> {
    const { clock, log, identity, name } = this.options;
    while (!signal.aborted) {
      if ((await this.attempt(RENEW_WITHIN, signal)) === 'mine') {
        log.info({ lease: name, identity }, 'leading');
        return;
      }
      await wait(clock, this.retryDelay(), signal).catch(() => undefined);
    }
  }

  /** Until `signal` aborts; 'lost' as soon as another holds the lease or ours was not renewed in time. */
  async renew(signal: AbortSignal): Promise<'stopped' | 'lost'> {
    const { clock, log, name } = this.options;
    for (;;) {
      await wait(clock, Math.min(RETRY, this.timeLeft()), signal).catch(() => undefined);
      if (signal.aborted) return 'stopped';
      if (this.timeLeft() <= 0) {
        log.error({ lease: name }, `lease was not renewed within ${RENEW_WITHIN} ms; no longer leading`);
        return 'lost';
      }
      if ((await this.attempt(this.timeLeft(), signal)) === 'of another') return 'lost';
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
    return this.renewedAt + RENEW_WITHIN - this.options.clock.monotonic();
  }

  /** Takes or renews the lease, and gives up after `within`. */
  private async attempt(within: Millis, signal: AbortSignal): Promise<Attempt> {
    const { clock, log, name } = this.options;
    const deadline = new AbortController();
    const cancel = clock.after(within, () => {
      deadline.abort(new Error(`no answer within ${Math.round(within)} ms`));
    });
    const begun = clock.monotonic();
    try {
      const outcome = await this.tryOnce(AbortSignal.any([signal, deadline.signal]));
      if (outcome === 'mine') {
        this.renewedAt = begun;
        this.options.onRenewed?.();
      }
      return outcome;
    } catch (error) {
      if (!signal.aborted) log.warn({ lease: name, error: messageOf(error) }, `lease ${name} was not written`);
      return 'failed';
    } finally {
      cancel();
    }
  }

  private async tryOnce(signal: AbortSignal): Promise<Attempt> {
    const { held } = this;
    this.held = undefined;
    const lease = held ?? (await this.read(signal));
    if (!lease) return this.hold(() => this.post(signal));
    if (!this.mayTake(lease)) return 'of another';
    return this.hold(() => this.put({ ...lease, spec: this.takenOver(lease.spec) }, signal));
  }

  private async hold(write: () => Promise<Lease>): Promise<Attempt> {
    try {
      this.held = await write();
      return 'mine';
    } catch (error) {
      // Somebody was quicker, or an earlier request of ours arrived late; the next attempt shows which.
      if (isApiError(error, 409)) return 'raced';
      throw error;
    }
  }

  private takenOver({ holderIdentity = '', acquireTime, leaseTransitions = 0 }: LeaseSpec = {}): LeaseSpec {
    const { clock, identity } = this.options;
    const now = microTime(clock.now());
    const mine = { holderIdentity: identity, leaseDurationSeconds: LEASE / 1000, renewTime: now };
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
    if (this.seen?.version !== version) this.seen = { version, at: clock.monotonic() };
    const holder = spec?.holderIdentity ?? '';
    if (holder === '' || holder === identity) return true;
    const duration = (spec?.leaseDurationSeconds ?? LEASE / 1000) * 1000;
    return clock.monotonic() - this.seen.at > duration;
  }

  private async read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.options.client.send<Lease>({ method: 'GET', path: this.path, signal });
    } catch (error) {
      if (isApiError(error, 404)) return undefined;
      throw error;
    }
  }

  private put(lease: Lease, signal: AbortSignal): Promise<Lease> {
    return this.options.client.send<Lease>({ method: 'PUT', path: this.path, body: lease, signal });
  }

  private retryDelay(): Millis {
    return RETRY * (1 + this.options.clock.random() * 0.2);
  }
}
