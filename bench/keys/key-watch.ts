import { CONSUMER_LABEL } from '../../operator/src/api/names.ts';
import type { Secret } from '../../operator/src/runtime/core-kinds.ts';
import { keyOf } from '../../operator/src/runtime/objects.ts';
import type { ObjectRef } from '../../operator/src/runtime/objects.ts';
import type { Change, Store } from '../../operator/src/runtime/store.ts';
import { kidsInCopy } from '../../operator/src/stored/consumer-copy.ts';
import { keyRing } from '../../operator/src/stored/key-ring.ts';
import type { StoredRing } from '../../operator/src/stored/key-ring.ts';
import { textsIn } from '../../operator/src/stored/secret.ts';

/** How a key came to those that existed when it was published. */
export interface Publication {
  readonly kid: string;
  /** When the ring with it was written, by the operator's clock, which is this machine's. */
  readonly at: number;
  readonly copies: number;
  /** How long each of them took, in the order in which they came. */
  readonly took: readonly number[];
}

const TIMEOUT = 150_000;

/** Sees by a watch of Secrets which keys are published, sign, and are in the copies of consumers. */
export class KeyWatch {
  private readonly secrets: Store<Secret>;
  private readonly ring: ObjectRef;
  private readonly publications: Map<string, Publication & { readonly took: number[] }> = new Map();
  private readonly looks: Set<() => void> = new Set();

  constructor(secrets: Store<Secret>, ring: ObjectRef) {
    this.secrets = secrets;
    this.ring = ring;
    secrets.onChange((change) => {
      this.note(change);
      for (const look of this.looks) look();
    });
  }

  /** Of keys that were published while there were copies. */
  get published(): readonly Publication[] {
    return [...this.publications.values()].filter(({ copies }) => copies > 0);
  }

  kid(phase: 'next' | 'active'): string | undefined {
    return this.currentRing()?.keys.find((key) => key.phase === phase)?.kid;
  }

  copies(): readonly Secret[] {
    return this.secrets.list().filter(isCopy);
  }

  isInRing(kid: string): boolean {
    return this.currentRing()?.keys.some((key) => key.kid === kid) === true;
  }

  /** Resolves as soon as `holds` does, which is called after each change; answers when, on Date.now(). */
  until(what: string, holds: () => boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.looks.delete(look);
        clearTimeout(timer);
        settle();
      };
      const look = (): void => {
        if (!holds()) return;
        end(() => {
          resolve(Date.now());
        });
      };
      const timer = setTimeout(() => {
        end(() => {
          reject(new Error(`${what} has not happened within ${TIMEOUT / 1000} s`));
        });
      }, TIMEOUT);
      this.looks.add(look);
      look();
    });
  }

  private currentRing(): StoredRing | undefined {
    return ringIn(this.secrets.get(this.ring));
  }

  private note({ before, after }: Change<Secret>): void {
    if (!after) return;
    if (keyOf(after.metadata) === keyOf(this.ring)) this.notePublications(after);
    else if (before && isCopy(after)) this.noteCopied(before, after);
  }

  private notePublications(secret: Secret): void {
    for (const { kid, publishedAt } of ringIn(secret)?.keys ?? []) {
      if (this.publications.has(kid)) continue;
      this.publications.set(kid, { kid, at: publishedAt, copies: this.copies().length, took: [] });
    }
  }

  private noteCopied(before: Secret, after: Secret): void {
    const now = Date.now();
    const had = kidsInCopy(before);
    for (const kid of kidsInCopy(after)) {
      const publication = this.publications.get(kid);
      if (!had.has(kid) && publication) publication.took.push(now - publication.at);
    }
  }
}

function ringIn(secret: Secret | undefined): StoredRing | undefined {
  const decoded = secret && keyRing.decode(textsIn(secret));
  return decoded && 'value' in decoded ? decoded.value : undefined;
}

function isCopy({ metadata }: Secret): boolean {
  return metadata.labels?.[CONSUMER_LABEL] !== undefined;
}
