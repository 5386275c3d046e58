import { namesOf, namespaceOf } from '../api/names.ts';
import type { AuthStack } from '../api/auth-stack.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Wrapping } from '../stored/key-ring.ts';
import type { Ring } from './ring.ts';
import type { KeysObservation, KeysVerdict, SigningKeysAction, WantedWrapping } from './types.ts';

/*
 * Private halves wrapped with a key of the stack's owner (spec.signingKeys.encryption). Every one of a ring is stored alike, and
 * `wrapping` of the ring says how: absent, plain; else, by which Secret and with the key of which id.
 *
 *                  ┌──────────────────── rewrap: encryption is removed ─────────────────────┐
 *                  ▼                                                                        │
 *   no ring ──► plain ── rewrap: the Secret has a key, every auth pod has loaded it ──► wrapped ──┐
 *      │                                                                                ▲   ▲     │ rewrap: the spec names another
 *      └──────────── created wrapped, where the spec asks for it from the start ────────┘   └─────┘ key, and the former is there
 *
 *   the key that the spec names  | no ring                | plain ring          | ring wrapped with another     | with this one
 *   ─────────────────────────────┼────────────────────────┼─────────────────────┼───────────────────────────────┼──────────────
 *   there                        | created wrapped        | rewrap              | rewrap, if that is there, too | nothing to do
 *   missing, or no key           | no key is created      | stays plain         | stays as it is                |
 *
 *   the key of a wrapped ring is not there: nothing of the ring is changed that needs it. Auth pods sign from memory; no key is
 *   created or promoted; a revoked key is taken away all the same, and the next key, whose wrapped half is in the ring, takes over.
 *
 * A new key is wrapped as the ring is, so that pods which have loaded the one wrapping key can use all of it. A plain private half
 * is never stored where the spec asks for wrapping and the ring has none yet.
 */

/** The owner's Secrets are not watched; while all is well they are read this often. */
export const WRAPPING_KEYS_SEEN: Millis = 120_000;

/** Whether spec or ring have to do with a wrapping key. */
export function concernsWrapping({ stack, wrapping }: Ring): boolean {
  return stack.spec.signingKeys.encryption !== undefined || wrapping !== undefined;
}

/** Nothing is missing, and nothing is to be changed. */
export function isWrappedAsWanted(ring: Ring): boolean {
  const wanted = wantedWrapping(ring.wrappingKeys);
  return wanted !== undefined && isSame(ring.wrapping ?? 'plain', wanted) && isWrappingKeyThere(ring);
}

/** What the ring should say of its wrapping; undefined: what the spec asks for cannot be had. */
export function wantedWrapping({ wanted }: KeysObservation['wrappingKeys']): Wrapping | 'plain' | undefined {
  if (wanted.state === 'none') return 'plain';
  if (wanted.state !== 'usable') return undefined;
  const { secretName, keyId } = wanted;
  return { secretName, keyId };
}

/** Everything that the operator can see allows to wrap the ring anew; the pods may not be ready for it. */
export function nextWrapping(ring: Ring): Wrapping | 'plain' | undefined {
  const { wrapping, wrappingKeys } = ring;
  const wanted = wantedWrapping(wrappingKeys);
  if (wanted === undefined || isSame(wrapping ?? 'plain', wanted)) return undefined;
  return isWrappingKeyThere(ring) ? wanted : undefined;
}

function isSame(one: Wrapping | 'plain', other: Wrapping | 'plain'): boolean {
  if (one === 'plain' || other === 'plain') return one === other;
  return one.secretName === other.secretName && one.keyId === other.keyId;
}

/** Auth pods read what is wrapped with it only once they have it. */
export function isWrappingAwaited(ring: Ring): boolean {
  const next = nextWrapping(ring);
  return next !== undefined && next !== 'plain' && holdsPrivateHalves(ring) && !ring.stack.spec.suspend;
}

export function holdsPrivateHalves({ active, next }: Ring): boolean {
  return active !== undefined || next !== undefined;
}

function isWrappingKeyThere({ wrapping, wrappingKeys }: Ring): boolean {
  return wrapping === undefined || wrappingKeys.ids.includes(wrapping.keyId);
}

/** Whether a new key could be stored as the ring and the spec ask for. */
export function canMakeKeys(seen: KeysObservation | Ring): boolean {
  const { wanted } = seen.wrappingKeys;
  if (isRing(seen)) {
    if (seen.wrapping || holdsPrivateHalves(seen)) return isWrappingKeyThere(seen);
    return wanted.state === 'none';
  }
  return wanted.state === 'none' || wanted.state === 'usable';
}

function isRing(seen: KeysObservation | Ring): seen is Ring {
  return 'resourceVersion' in seen;
}

/**
 * What needs no wrapping key is done: notes, and taking keys away. Everything else waits, and what is missing is said before whatever
 * else there is to say.
 */
export function unlessItCannotBeWrapped<V extends KeysVerdict>(seen: KeysObservation | Ring, verdict: V): V {
  const trouble = troubleOf(seen);
  if (!trouble) return verdict;
  const { actions = [], message, reason } = verdict;
  const waits = actions.some(makesAKey) && !canMakeKeys(seen);
  if (actions.length > 0 && !waits) return verdict;
  const besides = waits ? ` Pending: ${message}.` : reason === 'UpToDate' ? '' : ` Besides: ${message}.`;
  return {
    ...verdict,
    status: 'False',
    reason: trouble.reason,
    message: `${trouble.seen}.${besides} ${trouble.wayOn}`,
    actions: [],
    stalls: 'now',
  };
}

function makesAKey(action: SigningKeysAction): boolean {
  if (action.type === 'createRing') return action.algorithm !== undefined;
  if (action.type !== 'editRing') return false;
  return 'algorithm' in action.edit;
}

interface Trouble extends Pick<KeysVerdict, 'reason'> {
  /** And what follows from it. */
  readonly seen: string;
  /** Ends in a command. */
  readonly wayOn: string;
}

function troubleOf(seen: KeysObservation | Ring): Trouble | undefined {
  const { stack, ring } = seen;
  // What is wrong with the ring itself comes first.
  if (ring.state === 'foreign' || ring.state === 'malformed') return undefined;
  const { wanted } = seen.wrappingKeys;
  const isLost = isRing(seen) && !isWrappingKeyThere(seen);
  if (wanted.state === 'missing' || wanted.state === 'refused') return unusable(seen, wanted, isLost);
  return isLost ? lost(stack, seen, wanted) : undefined;
}

type Unusable = Extract<WantedWrapping, { state: 'missing' | 'refused' }>;

function unusable(seen: KeysObservation | Ring, wanted: Unusable, isLost: boolean): Trouble {
  const { stack } = seen;
  const { name, key } = stack.spec.signingKeys.encryption?.secretRef ?? { name: '', key: '' };
  const of = `Secret ${name} of spec.signingKeys.encryption`;
  const consequence = consequenceFor(seen, isLost);
  const wayOn = isLost
    ? restoring(stack, name)
    : `Make one, and keep the file where no backup of the cluster is: ${making(stack, wanted)}`;
  const seenThere =
    wanted.state === 'refused'
      ? `${key} of ${of} ${wanted.why}`
      : wanted.what === 'secret'
        ? `${of} does not exist`
        : `${of} has no ${key}, or it is empty`;
  return {
    reason: wanted.state === 'missing' ? 'EncryptionKeyNotFound' : 'EncryptionKeyRefused',
    seen: `${seenThere}. ${consequence}`,
    wayOn,
  };
}

function lost(stack: AuthStack, { wrapping }: Ring, wanted: WantedWrapping): Trouble {
  const { secretName = '', keyId = '' } = wrapping ?? {};
  const { key = '' } = stack.spec.signingKeys.encryption?.secretRef ?? {};
  const now = wanted.state === 'usable' ? `; ${key} of Secret ${wanted.secretName} has the id ${wanted.keyId}` : '';
  return {
    reason: 'EncryptionKeyLost',
    seen: `Secret ${secretName} is gone, or has no longer the key of id ${keyId}${now}. ${cannotBeUnwrapped(stack, keyId)}`,
    wayOn: restoring(stack, secretName),
  };
}

function consequenceFor(seen: KeysObservation | Ring, isLost: boolean): string {
  const { stack } = seen;
  if (!isRing(seen) || !holdsPrivateHalves(seen)) return 'No signing key is created';
  const { wrapping } = seen;
  const which = `The private keys in Secret ${namesOf(stack.metadata.name).signingKeys} stay`;
  if (!wrapping) return `${which} as they are, not wrapped`;
  return isLost ? cannotBeUnwrapped(stack, wrapping.keyId) : `${which} wrapped with the key of id ${wrapping.keyId}`;
}

function cannotBeUnwrapped({ metadata: { name } }: AuthStack, keyId: string): string {
  return (
    `The private keys in Secret ${namesOf(name).signingKeys} are wrapped with the key of id ${keyId}, so auth pods that run sign from ` +
    `memory, one that starts cannot sign, and no key is created or promoted`
  );
}

function restoring(stack: AuthStack, secretName: string): string {
  const { signingKeys } = namesOf(stack.metadata.name);
  const kubectl = `kubectl -n ${namespaceOf(stack)}`;
  return (
    `Restore that key from where you keep it, under any entry of the Secret: ${storing(stack, secretName, 'restored')}. If it is lost for ` +
    `good, begin with new keys, while tokens of the old ones are accepted until they expire: ${kubectl} delete secret ${signingKeys}`
  );
}

function making(stack: AuthStack, wanted: Unusable): string {
  const { name, key } = stack.spec.signingKeys.encryption?.secretRef ?? { name: '', key: '' };
  const isThere = wanted.state === 'refused' || wanted.what === 'entry';
  const create = `kubectl -n ${namespaceOf(stack)} create secret generic ${name} --from-file=${key}=wrapping.key`;
  return `openssl rand -base64 32 >wrapping.key && ${isThere ? storing(stack, name, key) : create}`;
}

/** Into a Secret that may be there, and leaves its other entries. */
function storing(stack: AuthStack, name: string, entry: string): string {
  const kubectl = `kubectl -n ${namespaceOf(stack)}`;
  return (
    `${kubectl} create secret generic ${name} --from-file=${entry}=wrapping.key --dry-run=client -o yaml | ` +
    `${kubectl} apply --server-side --force-conflicts -f -`
  );
}
