import { createPublicKey } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { algorithms, fits, isAlgorithm, isSupported } from './algorithms.ts';
import type { VerificationKey } from './algorithms.ts';
import { isRecord } from './json.ts';

/** A JWK Set (RFC 7517) as far as it verifies tokens. */
export interface KeySet {
  readonly keys: ReadonlyMap<string, VerificationKey>;
  /** Why the other keys are not used, a sentence for each. Names kids and nothing else of a key. */
  readonly ignored: readonly string[];
}

/**
 * Lenient about keys that are for others, or that this version does not know (RFC 7517, section 5): one of them must not take
 * the rest out of force. Strict about those that are used: public, for signatures, of exactly the kind that `alg` names, and
 * the only one of their kid. Undefined: this is no JWK Set.
 */
export function readKeySet(set: unknown): KeySet | undefined {
  if (!isRecord(set) || !Array.isArray(set['keys'])) return undefined;
  const read = set['keys'].map((jwk, index) => readKey(jwk, `key ${index + 1}`));
  const usable = read.filter((each) => typeof each !== 'string');
  const kids = usable.map(({ kid }) => kid);
  const twice = kids.filter((kid, index) => kids.indexOf(kid) !== index);
  const distinct = usable.filter(({ kid }) => !twice.includes(kid));
  return {
    keys: new Map(distinct.map((key) => [key.kid, key])),
    ignored: [
      ...read.filter((each) => typeof each === 'string'),
      ...[...new Set(twice)].map((kid) => `${kid} occurs more than once`),
    ],
  };
}

/** The key, or why it is not used. */
function readKey(jwk: unknown, position: string): VerificationKey | string {
  if (!isRecord(jwk)) return `${position} is not an object`;
  const { kid, alg } = jwk;
  if (typeof kid !== 'string' || kid === '') return `${position} has no kid`;
  const objection = objections.find(({ applies }) => applies(jwk));
  if (objection) return `${kid} ${objection.words}`;
  if (!isAlgorithm(alg)) return `${kid} is for none of ${algorithms.join(', ')}`;
  const publicKey = importKey(jwk);
  if (!publicKey) return isSupported(alg) ? `${kid} is not a public key` : `${kid} is for ${alg}, ${unsupported}`;
  return fits(publicKey, alg) ? { kid, algorithm: alg, publicKey } : `${kid} is not a key for ${alg}`;
}

const unsupported = 'which this version of Node.js lacks (24.7 has it)';

/** Of every private key that there is: RFC 7518, section 6, RFC 8037, section 2, and RFC 9964. */
const privateMembers = ['d', 'k', 'priv'] as const;

interface Objection {
  readonly words: string;
  readonly applies: (jwk: Jwk) => boolean;
}
type Jwk = Readonly<Record<string, unknown>>;

/** What a key says of its own use, whatever its type. */
const objections: readonly Objection[] = [
  { words: 'is not for signatures (use)', applies: ({ use }) => use !== undefined && use !== 'sig' },
  {
    words: 'is not for verifying (key_ops)',
    applies: ({ key_ops: ops }) => ops !== undefined && !allowsVerifying(ops),
  },
  // Everybody who reads the set could sign with it.
  { words: 'is a private key; revoke it', applies: (jwk) => privateMembers.some((name) => Object.hasOwn(jwk, name)) },
];

function allowsVerifying(operations: unknown): boolean {
  return Array.isArray(operations) && operations.includes('verify');
}

function importKey(jwk: JsonWebKey): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return undefined;
  }
}
