import type { Clock } from './clock.ts';
import type { KubernetesObject, Millis } from './objects.ts';
import { keyOf } from './objects.ts';
import { PerObject } from './per-object.ts';
import type { Change, Store } from './store.ts';

/** The other one is challenged at most this often, so that two installations do not answer each other for ever. */
const CHALLENGE_EVERY: Millis = 600_000;
/** Without a sign of the other one for so long it is gone: challenges come more often. */
const SIGN_WITHIN: Millis = 900_000;

/** Another installation that reconciles objects of that namespace. */
export interface Overlap {
  readonly namespace: string;
  readonly installation: string;
}

export interface InstallationClaimsOptions<T extends KubernetesObject> {
  /** Of this installation, unlike that of any other: its leader's Lease, `namespace/name`. */
  readonly installation: string;
  /** The field of the status that names the installation. */
  readonly field: string;
  readonly store: Store<T>;
  readonly clock: Clock;
  /** Another installation has overwritten our name. */
  readonly onOverlap: (object: T, overlap: NoticedOverlap) => void;
}

export interface NoticedOverlap extends Overlap {
  /** Nothing was seen of that installation for a while. */
  readonly isNews: boolean;
  readonly lookAgainAt: Millis;
}

interface Claim {
  readonly challengedAt?: Millis;
}

/**
 * Notices a second installation that reconciles the same objects. Each writes its name into their status:
 *
 *     B starts beside A ──► B writes B ──► A, whose name was there, sees B: another one is at work. A reports it, and
 *                           A writes A ──► B, whose name was there, sees A, and reports it as well. Then both are quiet
 *                                          for ten minutes, after which the one whose name is not there writes it again.
 *     B takes over from A ─► B writes B, and nobody writes A any more: nothing is reported.
 *
 * It costs no request while there is one installation: the name is part of the status that is written anyway.
 */
export class InstallationClaims<T extends KubernetesObject> {
  private readonly options: InstallationClaimsOptions<T>;
  /** Objects that have carried our name. */
  private readonly claims: PerObject<Claim>;
  /** Namespace and installation → when its name was last written over ours. */
  private readonly signs: Map<string, Overlap & { readonly at: Millis }> = new Map();

  constructor(options: InstallationClaimsOptions<T>) {
    this.options = options;
    const { store, clock } = options;
    this.claims = new PerObject(store, { clock });
    store.onChange((change) => {
      this.follow(change);
    });
  }

  /** The name to write with the status: ours, unless we answered the other one a moment ago. */
  fieldsFor(object: T): Readonly<Record<string, string>> {
    const { installation, field, clock } = this.options;
    const stored = this.installationOf(object);
    const claim = this.claims.get(object.metadata);
    if (stored === undefined || stored === installation || !claim) return { [field]: installation };
    const now = clock.monotonic();
    if (now - (claim.challengedAt ?? -Infinity) < CHALLENGE_EVERY) return { [field]: stored };
    this.claims.set(object.metadata, { challengedAt: now });
    return { [field]: installation };
  }

  get overlaps(): readonly Overlap[] {
    const now = this.options.clock.monotonic();
    for (const [key, { at }] of this.signs) if (now - at > SIGN_WITHIN) this.signs.delete(key);
    return [...this.signs.values()];
  }

  private follow({ before, after }: Change<T>): void {
    if (!after) return;
    const installation = this.installationOf(after);
    if (installation === undefined || (before && this.installationOf(before) === installation)) return;
    const { installation: ours, clock, onOverlap } = this.options;
    const { metadata } = after;
    const claim = this.claims.get(metadata);
    if (installation === ours && !claim) this.claims.set(metadata, {});
    if (installation === ours || !claim) return;
    const overlap = { namespace: metadata.namespace ?? '', installation };
    const key = keyOf({ namespace: overlap.namespace, name: installation });
    const isNews = this.overlaps.every(
      ({ namespace, installation: known }) => key !== keyOf({ namespace, name: known }),
    );
    this.signs.set(key, { ...overlap, at: clock.monotonic() });
    onOverlap(after, { ...overlap, isNews, lookAgainAt: clock.now() + CHALLENGE_EVERY });
  }

  private installationOf(object: T): string | undefined {
    const { status } = object as T & { readonly status?: Readonly<Record<string, unknown>> };
    const value = status?.[this.options.field];
    return typeof value === 'string' && value !== '' ? value : undefined;
  }
}
