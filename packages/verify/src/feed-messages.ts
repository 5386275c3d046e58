import type { StreamEvent } from './event-stream.ts';
import { feedApi } from './feed-api.ts';
import { isRecord, parseJson } from './json.ts';
import { readKeySet } from './jwks.ts';
import type { FedKeys } from './keys-in-force.ts';

/** What an event says cannot be read; nothing of it is repeated. */
export class FeedUnreadable extends Error {
  override readonly name: string = 'FeedUnreadable';
}

/**
 * The keys that an event tells of; undefined for every other event, also one that this version does not know. Lenient about single
 * keys as the mounted set is, strict about the rest: half of what was said would be in force otherwise.
 */
export function readKeys({ type, data }: StreamEvent): FedKeys | undefined {
  if (type !== feedApi.events.snapshot && type !== feedApi.events.keysChanged) return undefined;
  const said = parseJson(data);
  const set = readKeySet(said);
  if (!isRecord(said) || !set) throw new FeedUnreadable(`a ${type} of the feed has no keys`);
  const { revokedKids, version } = said;
  if (!Array.isArray(revokedKids) || !revokedKids.every((kid) => typeof kid === 'string')) {
    throw new FeedUnreadable(`a ${type} of the feed does not say which keys are revoked`);
  }
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0) {
    throw new FeedUnreadable(`a ${type} of the feed has no version`);
  }
  return { keys: set.keys, revokedKids, version };
}
