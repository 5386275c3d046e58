import { timingSafeEqual } from 'node:crypto';
import { NotDecidedYet, NotYet } from './watched-file.ts';
import type { KeySet, Secrets } from '../secrets/secrets.ts';

/** The message names ids, never a key. */
export class PeppersNeeded extends NotYet {
  override readonly name: string = 'PeppersNeeded';

  constructor(ids: readonly string[]) {
    super(
      `stored passwords need peppers that are missing or have other bytes than before: ${ids.join(', ')}; ` +
        'put them back as they were, and keep them until authstack_password_hashes says 0',
    );
  }
}

/** Ids of the peppers that stored passwords need; rejects while the database does not answer. */
export type PeppersInUse = () => Promise<readonly string[]>;

/**
 * Secrets are used once no stored password needs a pepper that they lack: used anyway, they would turn away everybody whose
 * password needs it. The database is asked only where it can matter, so that other secrets change while it is down, too.
 */
export function keepingPeppers(inUse: PeppersInUse): (next: Secrets, current: Secrets | undefined) => Promise<void> {
  return async (next, current) => {
    if (current && lostPeppers(current.pepper.ids, { next, current }).length === 0) return;
    const lost = lostPeppers(await asked(inUse), { next, current });
    if (lost.length > 0) throw new PeppersNeeded(lost);
  };
}

interface Change {
  readonly next: Secrets;
  readonly current: Secrets | undefined;
}

/** Those of `needed` that are gone, or have other bytes than the ring in use knows. */
export function lostPeppers(needed: readonly string[], { next, current }: Change): readonly string[] {
  return needed.filter((id) => !keeps(next.pepper, current?.pepper, id));
}

function keeps(next: KeySet, current: KeySet | undefined, id: string): boolean {
  const [after, before] = [next.find(id)?.bytes, current?.find(id)?.bytes];
  if (!after) return false;
  return !before || (before.length === after.length && timingSafeEqual(before, after));
}

async function asked(inUse: PeppersInUse): Promise<readonly string[]> {
  try {
    return await inUse();
  } catch (cause) {
    throw new NotDecidedYet('waits for the database to say which peppers its passwords need', { cause });
  }
}
