import { namesOf, namespaceOf } from '../api/names.ts';
import type { Lifetimes, PublicJwk } from '../stored/jwks.ts';
import { foreignSecret } from '../stored/secret.ts';
import { stackRef } from './editing.ts';
import { alreadyRevoked, asksFor, revocationOf } from './revocation.ts';
import type { KeysObservation, KeysVerdict, SigningKeysAction } from './types.ts';
import { canMakeKeys, wantedWrapping } from './wrapping.ts';

export function aSecretIsNotOurs({ stack, ring, jwks }: KeysObservation): KeysVerdict | undefined {
  if (ring.state !== 'foreign' && jwks.state !== 'foreign') return undefined;
  const names = namesOf(stack.metadata.name);
  const name = ring.state === 'foreign' ? names.signingKeys : names.jwks;
  return {
    status: 'False',
    reason: 'SecretNotOwned',
    message: foreignSecret(stack, name),
    stalls: 'now',
  };
}

export function theRingCannotBeRead({ stack, ring }: KeysObservation): KeysVerdict | undefined {
  if (ring.state !== 'malformed') return undefined;
  const { signingKeys } = namesOf(stack.metadata.name);
  return {
    status: 'False',
    reason: 'SecretMalformed',
    message:
      `Secret ${signingKeys} cannot be read (${ring.why}), and the operator does not touch it. Restore it from a backup, ` +
      `or delete it to start with new keys: kubectl -n ${namespaceOf(stack)} delete secret ${signingKeys}`,
    stalls: 'now',
  };
}

export function theRingIsLost(seen: KeysObservation): KeysVerdict | undefined {
  const { stack, jwks, authServiceRunsSince, policy } = seen;
  if (jwks.state !== 'value' || jwks.value.keys.length === 0) return undefined;
  const isGone = ({ kid }: PublicJwk): boolean => alreadyRevoked(jwks).some((one) => one.kid === kid);
  const remembered = jwks.value.keys.filter((key) => !isGone(key));
  const asked = remembered.map(({ kid }) => kid).filter((kid) => asksFor(stack, kid));
  const names = namesOf(stack.metadata.name);
  // To revoke one does not wait for the key that a new one would be wrapped with.
  const makes = canMakeKeys(seen) || asked.length === 0;
  const message =
    `Secret ${names.signingKeys} is gone: ${makes ? 'creating new keys' : withoutWrappingKey}. The public keys in Secret ${names.jwks} stay published ` +
    `until the tokens they signed have expired`;
  const { algorithm, ...ring } = createRing(seen);
  const action: SigningKeysAction = {
    ...ring,
    ...(makes && { algorithm }),
    lifetimes: longest(jwks.value.lifetimes, lifetimesOf(seen)),
    // Running pods sign from memory, so the new key can wait until every verifier has it.
    first: authServiceRunsSince.length > 0 ? 'next' : 'active',
    remembered,
    ...(asked.length > 0 && { revocation: revocationOf(asked, policy, { withSuccessor: makes }) }),
    event: { type: 'Warning', reason: 'SigningKeysLost', message },
  };
  return { status: 'False', reason: 'SigningKeysLost', message, actions: [action] };
}

const withoutWrappingKey = 'new keys are created once the key of spec.signingKeys.encryption is there';

/** There has been no key yet, as far as anything stored tells. */
export function isFounding({ ring, jwks }: Pick<KeysObservation, 'ring' | 'jwks'>): boolean {
  return ring.state === 'absent' && !(jwks.state === 'value' && jwks.value.keys.length > 0) && jwks.state !== 'foreign';
}

/** Whoever brings a key along must not find another one in use. */
export function theImportedKeyIsMissing({ stack, imported }: KeysObservation): KeysVerdict | undefined {
  const { importFrom } = stack.spec.signingKeys;
  if (imported.state !== 'missing' || !importFrom) return undefined;
  const { name, key } = importFrom.secretRef;
  return {
    status: 'False',
    reason: 'ImportedKeyNotFound',
    message:
      `Secret ${name} of spec.signingKeys.importFrom does not exist, and no key was created. Create it: kubectl -n ` +
      `${namespaceOf(stack)} create secret generic ${name} --from-file=${key}=…, or ${withoutImport}`,
    stalls: 'now',
  };
}

export function theImportedKeyIsRefused({ stack, imported, jwks }: KeysObservation): KeysVerdict | undefined {
  const { importFrom } = stack.spec.signingKeys;
  const why = imported.state === 'refused' ? imported.why : wasRevoked(imported, jwks);
  if (why === undefined || !importFrom) return undefined;
  const { name, key } = importFrom.secretRef;
  return {
    status: 'False',
    reason: 'ImportedKeyRefused',
    message:
      `${key} of Secret ${name} of spec.signingKeys.importFrom ${why}. No key was created. Correct the Secret: kubectl -n ` +
      `${namespaceOf(stack)} edit secret ${name}, or ${withoutImport}`,
    stalls: 'now',
  };
}

const withoutImport = 'remove spec.signingKeys.importFrom to begin with a new key';

function wasRevoked(imported: KeysObservation['imported'], jwks: KeysObservation['jwks']): string | undefined {
  const isRevoked = imported.state === 'usable' && alreadyRevoked(jwks).some(({ kid }) => kid === imported.kid);
  return isRevoked ? `has the kid ${imported.kid}, which was revoked` : undefined;
}

export function createFirstKeys(seen: KeysObservation): KeysVerdict {
  const { imported, stack } = seen;
  const { importFrom } = stack.spec.signingKeys;
  const first = { ...createRing(seen), lifetimes: lifetimesOf(seen), first: 'active', remembered: [] } as const;
  if (imported.state === 'usable' && importFrom) {
    const { kid } = imported;
    const message = `Importing the first signing key ${kid} from Secret ${importFrom.secretRef.name}`;
    const event = { type: 'Normal', reason: 'KeyImported', message } as const;
    const actions = [{ ...first, imported: { kid, from: importFrom }, event }];
    return { status: 'False', reason: 'CreatingKeys', message, actions };
  }
  return {
    status: 'False',
    reason: 'CreatingKeys',
    message: 'Creating the first signing keys',
    actions: [first],
  };
}

function createRing({ stack, jwks, policy: { algorithm }, wrappingKeys }: KeysObservation) {
  const wrapping = wantedWrapping(wrappingKeys) ?? 'plain';
  const action = { type: 'createRing', stack: stackRef(stack), algorithm, revoked: alreadyRevoked(jwks) } as const;
  return { ...action, ...(wrapping !== 'plain' && { wrapping }) };
}

/** What runs may be of longer lifetimes than were noted before the ring was lost. */
function longest(noted: Lifetimes | undefined, running: Lifetimes): Lifetimes {
  if (!noted) return running;
  return {
    ...noted,
    accessTokenTtl: Math.max(noted.accessTokenTtl, running.accessTokenTtl),
    jwksMaxAge: Math.max(noted.jwksMaxAge, running.jwksMaxAge),
  };
}

function lifetimesOf({ policy: { accessTokenTtl, jwksMaxAge } }: KeysObservation): Lifetimes {
  return { accessTokenTtl, jwksMaxAge, longerTokensEndAt: 0, longerCachesEndAt: 0 };
}
