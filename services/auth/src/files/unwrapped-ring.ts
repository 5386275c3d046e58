import type { KeyObject } from 'node:crypto';
import { messageOf } from '@authstack/http-service/errors';
import { parseKeyRing, wrappedHalves } from '../keys/key-ring.ts';
import type { MountedRing } from '../keys/key-ring.ts';
import { unwrapKey } from '../keys/wrapped-key.ts';
import type { PrivateJwk } from '../keys/wrapped-key.ts';
import type { WrappingKeys } from '../keys/wrapping-keys.ts';
import { NotYet } from './watched-file.ts';

/*
 * The private halves of a mounted ring may be wrapped with a key of another Secret:
 *
 *   each wrapped half ──► unwrapped with the key of its id ────────────────────────► used
 *        └─ that is gone, or it is damaged ──► this pod has that key in its memory ──► used, and told of
 *                                                   └─ it has not ──► the ring is not used; what was in use stays
 *
 * So pods that run go on whatever becomes of the owner's Secret, through promotions and revocations, too, and a pod that starts
 * without it is not ready, says why, and is looked at again every second.
 */

/** The ring cannot be used before its keys can be unwrapped, or the operator writes another. */
export class RingNotUnwrapped extends NotYet {
  override readonly name: string = 'RingNotUnwrapped';
}

export interface UnwrappedRing {
  readonly ring: MountedRing;
  /** Why a pod that starts now could not use it. */
  readonly problem: string | undefined;
}

export interface UnwrappingPorts {
  readonly wrappingKeys: Pick<WrappingKeys, 'find' | 'ids'>;
  /** The ring in use. */
  readonly before: MountedRing | undefined;
}

/**
 * @throws KeyRingUnusable
 * @throws RingNotUnwrapped
 */
export async function unwrapRing(text: string, { wrappingKeys, before }: UnwrappingPorts): Promise<UnwrappedRing> {
  const halves = new Map<string, PrivateJwk | KeyObject>();
  let problem: string | undefined;
  for (const { kid, jwe } of wrappedHalves(text)) {
    try {
      halves.set(kid, await unwrapKey(jwe, kid, wrappingKeys.find));
    } catch (error) {
      const why = `${messageOf(error)}; ${mounted(wrappingKeys.ids)}`;
      const known = before?.signingKey(kid);
      if (!known) throw new RingNotUnwrapped(why, { cause: error });
      halves.set(kid, known.privateKey);
      problem ??= why;
    }
  }
  return { ring: parseKeyRing(text, halves), problem };
}

function mounted(ids: readonly string[]): string {
  return ids.length === 0 ? 'this pod mounts no wrapping key' : `this pod mounts the wrapping keys ${ids.join(', ')}`;
}
