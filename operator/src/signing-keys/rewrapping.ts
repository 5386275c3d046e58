import { namesOf } from '../api/names.ts';
import { LOOK_AGAIN } from '../planning.ts';
import { listed } from '../runtime/listed.ts';
import type { Wrapping } from '../stored/key-ring.ts';
import { editing } from './editing.ts';
import { wayOn } from './pods.ts';
import type { Ring } from './ring.ts';
import type { KeyHolder, KeysVerdict } from './types.ts';
import { isWrappingAwaited, nextWrapping } from './wrapping.ts';

/** When the private halves of the ring are wrapped with another key, or with none. */

export function theWrappingChanges(ring: Ring): KeysVerdict | undefined {
  const wrapping = nextWrapping(ring);
  if (wrapping === undefined || (isWrappingAwaited(ring) && podsWithoutWrappingKey(ring, wrapping).length > 0)) {
    return undefined;
  }
  const { signingKeys } = namesOf(ring.stack.metadata.name);
  const how =
    wrapping === 'plain'
      ? 'plain again'
      : `wrapped with the key of id ${wrapping.keyId} of Secret ${wrapping.secretName}`;
  const message = `The private keys in Secret ${signingKeys} are ${how}`;
  const { actions = [], ...verdict } = editing(ring, { type: 'rewrap', wrapping }, message);
  const event = { type: 'Normal', reason: 'SigningKeysWrapped', message } as const;
  return { ...verdict, actions: actions.map((action) => ({ ...action, event })) };
}

/** Said last, for nothing waits for it: they sign, and rotate, as before. */
export function podsLackTheWrappingKey(ring: Ring): KeysVerdict | undefined {
  const wrapping = isWrappingAwaited(ring) ? nextWrapping(ring) : undefined;
  const behind = wrapping ? podsWithoutWrappingKey(ring, wrapping) : [];
  const [first] = behind;
  if (!first || wrapping === undefined || wrapping === 'plain') return undefined;
  const others = behind.length > 1 ? ` and ${behind.length - 1} more` : '';
  const { volumeRefresh } = ring.stack.spec.signingKeys.propagation;
  return {
    status: 'True',
    reason: 'EncryptionPending',
    message:
      `The private keys stay ${ring.wrapping ? `wrapped with the key of id ${ring.wrapping.keyId}` : 'plain'} until every auth pod has ` +
      `loaded the key of id ${wrapping.keyId} of Secret ${wrapping.secretName}: Pod ${first.name}${others} ${has(first)}. A pod that ` +
      `does not mount that Secret is replaced, and a mounted Secret is updated within ${volumeRefresh}. ${wayOn(ring, first)}`,
    recheckAt: ring.now + LOOK_AGAIN,
  };
}

function podsWithoutWrappingKey({ pods }: Ring, wrapping: Wrapping | 'plain'): readonly KeyHolder[] {
  if (wrapping === 'plain') return [];
  return pods
    .filter(({ report }) => typeof report === 'string' || report.wrappingKeys?.includes(wrapping.keyId) !== true)
    .toSorted((a, b) => a.name.localeCompare(b.name));
}

function has({ report }: KeyHolder): string {
  if (typeof report === 'string') return 'does not say which it has';
  const { wrappingKeys = [] } = report;
  return wrappingKeys.length === 0 ? 'has none' : `has ${listed(wrappingKeys)}`;
}
