import type { StoredKey } from './ring.ts';
import type { RingEdit } from './types.ts';

export type FreshKey = Extract<StoredKey, { phase: 'next' }>;

/** The keys after an edit. `fresh` is a key made for it, where it asks for one. */
export function editRing(keys: readonly StoredKey[], edit: RingEdit, fresh: () => FreshKey): readonly StoredKey[] {
  switch (edit.type) {
    case 'publishNext':
      return [...keys.filter(({ phase }) => phase !== 'next'), fresh()];
    case 'promote':
      return [...keys.map((key) => promoted(key, edit, keys)), fresh()];
    case 'forget':
      return keys.filter(({ kid }) => kid !== edit.kid);
    case 'noteDistribution':
      return keys.map((key) => {
        if (key.phase !== 'next' || key.kid !== edit.kid) return key;
        const { distributedAt: _before, ...rest } = key;
        return edit.at === undefined ? rest : { ...rest, distributedAt: edit.at };
      });
    case 'raiseTtl':
      return keys.map((key) =>
        key.phase === 'next' ? key : { ...key, longestTtl: Math.max(key.longestTtl, edit.ttl) },
      );
  }
}

type Promotion = Extract<RingEdit, { type: 'promote' }>;

function promoted(key: StoredKey, { kid, at, ttl }: Promotion, keys: readonly StoredKey[]): StoredKey {
  switch (key.phase) {
    case 'next': {
      if (key.kid !== kid) return key;
      const { distributedAt: _over, ...rest } = key;
      const longestTtl = longestAround(keys, ttl);
      return { ...rest, phase: 'active', activatedAt: at, ttlAtActivation: ttl, longestTtl };
    }
    case 'active': {
      const { privateJwk: _gone, ttlAtActivation: _past, ...rest } = key;
      return { ...rest, phase: 'retiring', retiredAt: at };
    }
    case 'retiring':
      return key;
  }
}

/** Where the lifetime changed while the last key was active, pods that still have the longer one may sign with the new key. */
function longestAround(keys: readonly StoredKey[], ttl: number): number {
  const before = keys.find((key) => key.phase === 'active');
  if (before?.phase !== 'active' || before.ttlAtActivation === ttl) return ttl;
  return Math.max(ttl, before.longestTtl);
}
