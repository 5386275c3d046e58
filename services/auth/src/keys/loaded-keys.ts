import type { Clock, Millis } from '@authstack/http-service/clock';
import type { Logger } from 'pino';
import { z } from 'zod';
import { keysReload } from '../api.ts';
import type { KeysReload, KeysReport } from '../api.ts';
import type { Memory } from '../told/memory.ts';
import { publicKeysOf } from './key-ring.ts';
import type { HeldKey, KeyRing, MountedRing, SigningKey } from './key-ring.ts';

/*
 * The keys that a pod uses, out of what its mount shows and what the operator tells it:
 *
 *   mounted ring ──► version ≥ floor? ──yes──► its keys ──────────────┐
 *          │                 └─no──► what was told, signing with      ├── less the revoked ──► in use
 *          │       reload ──► floor, public keys, signing kid   a private half of it ─┘
 *          └────────────┴───► revoked kids, for as long as the pod lives
 *
 * A mount that is behind may lack the private half of the key that is to sign. Then the key that signs in the mount goes on, as it
 * would if nothing had been told: who verifies has it for as long as it is published, and the operator counts a pod that reports
 * it as one that still signs with it. The mount's next key does not: whether everybody has it is not known here.
 *
 * kubelet shows a Secret a minute or two after it was written, and after that may still show an older one to a container that
 * starts. What was told, and who is revoked, is never taken back by a mount, and is kept for the containers after this one.
 */

/** The mounted key ring is older than what the operator told. */
export class RingBelowFloor extends Error {
  override readonly name: string = 'RingBelowFloor';
}

/** The keys in use; another object whenever they have changed. */
export interface KeysInUse {
  readonly current: () => KeyRing | undefined;
  readonly signed: (kid: string) => void;
}

export interface LoadedKeysPorts {
  readonly podName: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
  readonly memory: Pick<Memory<KeptKeys>, 'before' | 'keep'>;
}

const { revokedKids, ...told } = keysReload.shape;

/** What outlives the process; nothing of it is private. */
export const keptKeys = z.object({ told: z.object(told).exactOptional(), revokedKids: z.array(revokedKids.element) });
export type KeptKeys = Readonly<z.infer<typeof keptKeys>>;

type Told = Omit<KeysReload, 'revokedKids'>;

export class LoadedKeys implements KeysInUse {
  private readonly ports: LoadedKeysPorts;
  private ring: MountedRing | undefined;
  private told: Told | undefined;
  private readonly revoked: Set<string>;
  private readonly lastSignedAt: Map<string, Millis> = new Map();
  private readonly listeners: (() => void)[] = [];
  private inUse: KeyRing | undefined;
  private couldSign = false;
  /** What whoever listens knows: the keys in use and the revoked ones. */
  private known = '';

  constructor(ports: LoadedKeysPorts) {
    this.ports = ports;
    const { told, revokedKids = [] } = ports.memory.before ?? {};
    this.told = told;
    this.revoked = new Set(revokedKids);
  }

  readonly current = (): KeyRing | undefined => this.inUse;

  /** Called after each change of the keys in use, or of those that are revoked. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /**
   * What the mount shows from now on.
   *
   * @throws RingBelowFloor where it is not used
   */
  mount(ring: MountedRing): void {
    const { floor = 0 } = this.told ?? {};
    // Of one that is older than what was told, still its private halves are used; there may be none that are newer.
    if (this.ring && ring.version < Math.min(floor, this.ring.version)) {
      throw new RingBelowFloor(
        `it has version ${ring.version}, and the operator told of ${floor}; what is in use stays until the mount shows that`,
      );
    }
    this.ring = ring;
    this.settle();
  }

  /** What the mounted ring remembers as taken away, whether or not the ring itself is used. */
  revoke(kids: readonly string[]): void {
    if (!this.note(kids, 'mount')) return;
    this.keep();
    this.settle();
  }

  reload({ revokedKids, ...told }: KeysReload): KeysReport {
    this.note(revokedKids, 'operator');
    // Calls may arrive in another order than they were made.
    if (told.floor >= (this.told?.floor ?? 0)) this.told = told;
    this.keep();
    this.settle();
    const { kids, signingKid, secretVersion } = this.report();
    this.ports.log.info({ floor: told.floor, secretVersion, kids, signingKid, revokedKids }, 'keys reloaded');
    return this.report();
  }

  readonly signed = (kid: string): void => {
    this.lastSignedAt.set(kid, this.ports.clock.now());
  };

  /** Why the mounted key ring is not in use, or no key of it signs. */
  get problem(): string | undefined {
    const { ring, inUse, told } = this;
    if (!ring) return undefined;
    if (told && ring.version < told.floor) return whyBehind(ring, told, inUse?.active);
    return inUse?.active
      ? undefined
      : `the key ${ring.active.kid} of the mounted key ring is revoked; it signs nothing`;
  }

  /** Why a pod that has never had a key to sign with is not ready. One that had goes on serving what needs no signature. */
  get missing(): string | undefined {
    return this.couldSign ? undefined : this.problem;
  }

  report(): KeysReport {
    const { active, byKid, version = 0 } = this.inUse ?? {};
    return {
      pod: this.ports.podName,
      kids: [...(byKid?.keys() ?? [])],
      ...(active && { signingKid: active.kid }),
      lastSignedAt: Object.fromEntries(this.lastSignedAt),
      secretVersion: version,
      floor: this.told?.floor ?? 0,
      revokedKids: [...this.revoked],
    };
  }

  /** Whether any of them is news. */
  private note(kids: readonly string[], by: 'operator' | 'mount'): boolean {
    const news = kids.filter((kid) => !this.revoked.has(kid));
    for (const kid of news) {
      this.revoked.add(kid);
      // Of what was not in use nothing is taken away.
      if (this.inUse?.byKid.has(kid) === true) this.ports.log.warn({ audit: 'key-revoked', kid, by }, 'security event');
    }
    return news.length > 0;
  }

  private keep(): void {
    this.ports.memory.keep({ ...(this.told && { told: this.told }), revokedKids: [...this.revoked] });
  }

  private settle(): void {
    const { ring, told } = this;
    if (!ring) return;
    this.inUse = told && ring.version < told.floor ? asTold(ring, told, this.revoked) : without(this.revoked, ring);
    this.couldSign ||= this.inUse.active !== undefined;
    this.tell(this.inUse);
  }

  /** A ring is read again, and told again, without any change. */
  private tell({ version, active, jwks }: KeyRing): void {
    const now = JSON.stringify([version, active?.kid, jwks, [...this.revoked]]);
    if (now === this.known) return;
    this.known = now;
    for (const listener of this.listeners) listener();
  }
}

function whyBehind(ring: MountedRing, { floor, signingKid }: Told, active: SigningKey | undefined): string {
  const behind = `the mounted key ring has version ${ring.version}, older than ${floor}, which the operator told of`;
  if (active?.kid === (signingKid ?? ring.active.kid)) return behind;
  const why = signingKid === undefined ? 'for no key is to sign' : `for it lacks the private half of ${signingKid}`;
  return `${behind}; it signs ${active ? `with ${active.kid}` : 'nothing'}, ${why}`;
}

/** What the newer ring says, as far as the older one has the private halves for it. */
function asTold(ring: MountedRing, told: Told, revoked: ReadonlySet<string>): KeyRing {
  const { signingKid = ring.active.kid, floor } = told;
  const { byKid, jwks } = publicKeysOf(told.keys.filter(({ kid }) => !revoked.has(kid)));
  const maySign = (kid: string): SigningKey | undefined => (byKid.has(kid) ? ring.signingKey(kid) : undefined);
  const active = maySign(signingKid) ?? maySign(ring.active.kid);
  const phaseOf = (kid: string): HeldKey['phase'] => {
    if (kid === signingKid) return 'active';
    const phase = ring.held.find((key) => key.kid === kid)?.phase ?? 'next';
    return phase === 'active' ? 'retiring' : phase;
  };
  return {
    version: floor,
    active,
    byKid,
    jwks,
    held: jwks.keys.map(({ kid, alg: algorithm }) => ({ kid, algorithm, phase: phaseOf(kid) })),
  };
}

function without(revoked: ReadonlySet<string>, { version, active, byKid, jwks, held }: KeyRing): KeyRing {
  const isKept = ({ kid }: { readonly kid: string }): boolean => !revoked.has(kid);
  const mayStillSign = (key: SigningKey | undefined): SigningKey | undefined => (key && isKept(key) ? key : undefined);
  return {
    version,
    active: mayStillSign(active),
    byKid: new Map([...byKid].filter(([, key]) => isKept(key))),
    jwks: { keys: jwks.keys.filter(isKept) },
    held: held.filter(isKept),
  };
}
