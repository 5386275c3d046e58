import { eventually } from './eventually.ts';
import type { Within } from './eventually.ts';
import type { Stack } from './stack.ts';

/** `status.signingKeys`, as far as scenarios look at it. */
export interface SigningKeys {
  readonly activeKid: string;
  readonly nextKid: string;
  readonly keys: readonly { readonly kid: string; readonly state: string; readonly since: string }[];
  readonly revoked?: readonly { readonly kid: string; readonly mountsUntil: string; readonly cachesUntil: string }[];
  readonly lastRotationTime: string;
}

/** Throws while no key signs, or no next key is published. */
export async function signingKeysOf(stack: Stack): Promise<SigningKeys> {
  const { status } = await stack.read();
  const { activeKid, nextKid, ...others } = (status?.['signingKeys'] ?? {}) as Partial<SigningKeys>;
  if (activeKid === undefined || nextKid === undefined) throw new Error('the status names no active and next key');
  return { ...(others as SigningKeys), activeKid, nextKid };
}

/** What is there once another key than that one signs. */
export async function rotatedFrom(kid: string, stack: Stack, within: Within): Promise<SigningKeys> {
  return eventually(async () => {
    const keys = await signingKeysOf(stack);
    if (keys.activeKid === kid) throw new Error(`${kid} continues to sign`);
    return keys;
  }, within);
}
