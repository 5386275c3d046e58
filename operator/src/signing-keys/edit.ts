import type { PrivateJwk } from '@authstack/auth-service/wrapped-key';
import { unreachable } from '../runtime/objects.ts';
import type { Millis } from '../runtime/objects.ts';
import type { Lifetimes } from '../stored/jwks.ts';
import type { Algorithm, NextKey, StoredKey, StoredRing, Wrapping } from '../stored/key-ring.ts';
import { revokedKey } from './horizons.ts';
import type { Revocation, RingEdit } from './types.ts';

/** It is wrapped, where the ring is, before it is stored. */
export type FreshKey = Omit<Extract<StoredKey, { phase: 'next' }>, 'privateJwk'> & { readonly privateJwk: PrivateJwk };

/** What an edit needs beside the plan, which knows neither the time of the write nor a private key. */
export interface EditContext {
  readonly at: Millis;
  readonly fresh: (algorithm: Algorithm) => FreshKey;
}

/** The ring after an edit. */
export function editRing(ring: StoredRing, edit: RingEdit, context: EditContext): StoredRing {
  // By the time alone a clock that is behind would let it stand still; by counting alone a ring made anew would begin at 1.
  return { ...edited(ring, edit, context), version: Math.max(ring.version + 1, context.at) };
}

function edited(ring: StoredRing, edit: RingEdit, context: EditContext): StoredRing {
  const { at, fresh } = context;
  const { keys } = ring;
  if (isNoteOnKeys(edit)) return { ...ring, keys: keys.map((key) => keyAfter(key, edit, at)) };
  switch (edit.type) {
    case 'publishNext':
      return { ...ring, keys: [...keys.filter(({ phase }) => phase !== 'next'), fresh(edit.algorithm)] };
    case 'promote':
      return { ...ring, keys: [...promote(keys, edit.kid, at), fresh(edit.algorithm)] };
    case 'forget':
      return { ...ring, keys: keys.filter(({ kid }) => !edit.kids.includes(kid)) };
    case 'revoke':
      return revoke(ring, edit, context);
    case 'noteLifetimes':
      return { ...ring, lifetimes: lifetimesAfter(ring.lifetimes, edit, at) };
    case 'rewrap':
      return rewrap(ring, edit.wrapping);
    default:
      return unreachable(edit);
  }
}

type NoteOnKeys = Exclude<
  RingEdit,
  { type: 'publishNext' | 'promote' | 'forget' | 'revoke' | 'noteLifetimes' | 'rewrap' }
>;

/** As it is to be stored: whoever performs the edit wraps the keys. */
function rewrap({ wrapping: _former, ...ring }: StoredRing, wrapping: Wrapping | 'plain'): StoredRing {
  return wrapping === 'plain' ? ring : { ...ring, wrapping };
}

const notesOnKeys: Readonly<Record<NoteOnKeys['type'], true>> = {
  noteDistributed: true,
  noteUndistributed: true,
  noteAcknowledged: true,
  noteUnacknowledged: true,
  noteSignersGone: true,
  noteSignersBack: true,
};

function isNoteOnKeys(edit: RingEdit): edit is NoteOnKeys {
  return edit.type in notesOnKeys;
}

/** With a note, or without one; nothing else of it changes. */
function keyAfter(key: StoredKey, edit: NoteOnKeys, at: Millis): StoredKey {
  switch (edit.type) {
    case 'noteDistributed':
      return noted(key, edit.kid, { distributedAt: at });
    case 'noteUndistributed':
      return noted(key, edit.kid, { distributedAt: undefined });
    case 'noteAcknowledged':
      return noted(key, edit.kid, { acknowledged: { at, pods: [...edit.pods] } });
    case 'noteUnacknowledged':
      return noted(key, edit.kid, { acknowledged: undefined });
    case 'noteSignersGone':
      return withSigners(key, edit.kids, at);
    case 'noteSignersBack':
      return withSigners(key, edit.kids, undefined);
    default:
      return unreachable(edit);
  }
}

function promote(keys: readonly StoredKey[], kid: string, at: Millis): readonly StoredKey[] {
  const wasActive = keys.some(({ phase }) => phase === 'active');
  return keys.map((key): StoredKey => {
    switch (key.phase) {
      case 'next': {
        if (key.kid !== kid) return key;
        const { distributedAt: _over, acknowledged: _too, ...rest } = key;
        return { ...rest, phase: 'active', activatedAt: at };
      }
      case 'active': {
        const { privateJwk: _gone, ...rest } = key;
        return { ...rest, phase: 'retiring', retiredAt: at };
      }
      case 'retiring':
        // While no key of the ring signed, pods may have signed with any of these from memory.
        return wasActive ? key : { ...withSigners(key, [key.kid], undefined), retiredAt: at };
    }
  });
}

/** Everything in one write: no crash leaves a ring that lacks the key and does not know why. */
function revoke(ring: StoredRing, edit: Revocation, { at, fresh }: EditContext): StoredRing {
  const isRevoked = ({ kid }: { readonly kid: string }): boolean => edit.kids.includes(kid);
  const made = (): FreshKey | undefined => (edit.algorithm === undefined ? undefined : fresh(edit.algorithm));
  const next = ring.keys.find((key) => key.phase === 'next' && !isRevoked(key)) ?? made();
  const others = ring.keys.filter(({ phase }) => phase !== 'next');
  const active = others.find(({ phase }) => phase === 'active');
  // While no key of the ring is active, pods sign from memory, and any of those that retire may be what they sign with.
  const loses = active ? isRevoked(active) : others.some(isRevoked);
  const listed = [...others, ...present(next)];
  const keys = loses && next ? [...promote(listed, next.kid, at), ...present(made())] : listed;
  const taken = edit.kids.map((kid) => revokedKey(kid, at, { policy: edit, lifetimes: ring.lifetimes }));
  return {
    ...ring,
    keys: keys.filter((key) => !isRevoked(key)),
    revoked: [...ring.revoked.filter((one) => !isRevoked(one)), ...taken].slice(-MOST_REVOKED),
  };
}

function present<T>(value: T | undefined): readonly T[] {
  return value === undefined ? [] : [value];
}

/** As many as an auth pod takes in one call; the oldest give way. */
export const MOST_REVOKED = 256;

interface Note {
  readonly distributedAt?: Millis | undefined;
  readonly acknowledged?: NextKey['acknowledged'] | undefined;
}

/** Undefined takes a note back. */
function noted(key: StoredKey, kid: string, note: Note): StoredKey {
  if (key.phase !== 'next' || key.kid !== kid) return key;
  const { distributedAt, acknowledged, ...rest } = key;
  const notes = Object.entries({ distributedAt, acknowledged, ...note }).filter(([, one]) => one !== undefined);
  return { ...rest, ...Object.fromEntries(notes) };
}

function withSigners<K extends StoredKey>(key: K, kids: readonly string[], at: Millis | undefined): K {
  if (key.phase !== 'retiring' || !kids.includes(key.kid)) return key;
  const { signersGoneAt: _before, ...rest } = key;
  return (at === undefined ? rest : { ...rest, signersGoneAt: at }) as K;
}

type Noted = Extract<RingEdit, { type: 'noteLifetimes' }>;

/** What was issued until now under a longer lifetime ends that much later. */
function lifetimesAfter(before: Lifetimes, { accessTokenTtl, jwksMaxAge }: Noted, at: Millis): Lifetimes {
  const { longerTokensEndAt, longerCachesEndAt } = before;
  return {
    accessTokenTtl,
    jwksMaxAge,
    longerTokensEndAt:
      accessTokenTtl < before.accessTokenTtl
        ? Math.max(longerTokensEndAt, at + before.accessTokenTtl)
        : longerTokensEndAt,
    longerCachesEndAt:
      jwksMaxAge < before.jwksMaxAge ? Math.max(longerCachesEndAt, at + before.jwksMaxAge) : longerCachesEndAt,
  };
}
