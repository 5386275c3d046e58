import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

interface SignatureScheme {
  /** `null`: Ed25519 and ML-DSA have their own. */
  readonly digest: 'sha256' | null;
  /** Whether this kind of key makes such signatures. */
  readonly fits: (key: KeyObject) => boolean;
  readonly signatureBytes: (key: KeyObject) => number;
}

const MIN_RSA_BITS = 2048;
/** FIPS 186-5, appendix A.1.1: with 1 the padded digest is its own signature, and anybody can make that. */
const MIN_RSA_EXPONENT = 65_537n;

const ed25519: SignatureScheme = {
  digest: null,
  fits: ({ asymmetricKeyType }) => asymmetricKeyType === 'ed25519',
  signatureBytes: () => 64,
};

export type Algorithm = 'ES256' | 'RS256' | 'EdDSA' | 'Ed25519' | 'ML-DSA-44';

const schemes: Readonly<Record<Algorithm, SignatureScheme>> = {
  ES256: {
    digest: 'sha256',
    fits: ({ asymmetricKeyType, asymmetricKeyDetails }) =>
      asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1',
    signatureBytes: () => 64,
  },
  RS256: {
    digest: 'sha256',
    fits: (key) => key.asymmetricKeyType === 'rsa' && modulusBits(key) >= MIN_RSA_BITS && hasSafeExponent(key),
    signatureBytes: (key) => Math.ceil(modulusBits(key) / 8),
  },
  /** RFC 8037, whose curve the key decides; ours is always Ed25519. */
  EdDSA: ed25519,
  /** RFC 9864: the same signatures under the name of their curve. */
  Ed25519: ed25519,
  /** RFC 9964: pure ML-DSA of FIPS 204, with an empty context, as node:crypto has it where none is given. */
  'ML-DSA-44': {
    digest: null,
    fits: ({ asymmetricKeyType }) => asymmetricKeyType === 'ml-dsa-44',
    signatureBytes: () => 2420,
  },
};

export const algorithms = Object.keys(schemes) as readonly Algorithm[];

export function isAlgorithm(name: unknown): name is Algorithm {
  return typeof name === 'string' && Object.hasOwn(schemes, name);
}

export function fits(key: KeyObject, algorithm: Algorithm): boolean {
  return schemes[algorithm].fits(key);
}

/** Whether this Node.js has it at all: ML-DSA came with 24.7, and needs an OpenSSL of 3.5. */
export function isSupported(algorithm: Algorithm): boolean {
  if (algorithm !== 'ML-DSA-44') return true;
  try {
    // Any 1312 bytes are a public key.
    createPublicKey({ key: { kty: 'AKP', alg: algorithm, pub: 'A'.repeat(1750) }, format: 'jwk' });
    return true;
  } catch {
    return false;
  }
}

export interface VerificationKey {
  readonly kid: string;
  readonly algorithm: Algorithm;
  readonly publicKey: KeyObject;
}

/** Signatures are those of RFC 7518: each algorithm has exactly one length for a key. */
export function isSignedBy({ publicKey, algorithm }: VerificationKey, signed: Buffer, signature: Buffer): boolean {
  const { digest, signatureBytes } = schemes[algorithm];
  if (signature.length !== signatureBytes(publicKey)) return false;
  const readable = algorithm === 'ES256' ? derOf(signature) : signature;
  return readable !== undefined && verify(digest, signed, publicKey, readable);
}

/**
 * An ECDSA signature, r and s side by side, as OpenSSL reads it. node:crypto does the same for `dsaEncoding:
 * 'ieee-p1363'`, but then verifies a third fewer tokens per second: a KeyObject within options is slow.
 */
function derOf(signature: Buffer): Buffer | undefined {
  const end = writeInteger(signature, 1, writeInteger(signature, 0, 2));
  der[0] = SEQUENCE;
  der[1] = end - 2;
  return derByLength[end];
}

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const INTEGER_BYTES = 32;
/** Room for the longest, the same for every signature: a sequence of two integers, a byte longer each if need be. */
const der = Buffer.alloc(2 + 2 * (2 + 1 + INTEGER_BYTES));
const derByLength = Array.from({ length: der.length + 1 }, (_, length) => der.subarray(0, length));

/** The shortest form; a leading zero where the number would read as negative. Answers where the next one begins. */
function writeInteger(signature: Buffer, which: 0 | 1, at: number): number {
  const after = (which + 1) * INTEGER_BYTES;
  let from = which * INTEGER_BYTES;
  while (from < after - 1 && signature[from] === 0) from += 1;
  let end = at + 2;
  if ((signature[from] ?? 0) >= 0x80) der[end++] = 0;
  for (; from < after; from += 1) der[end++] = signature[from] ?? 0;
  der[at] = INTEGER;
  der[at + 1] = end - at - 2;
  return end;
}

function modulusBits({ asymmetricKeyDetails }: KeyObject): number {
  return asymmetricKeyDetails?.modulusLength ?? 0;
}

function hasSafeExponent({ asymmetricKeyDetails }: KeyObject): boolean {
  const exponent = asymmetricKeyDetails?.publicExponent ?? 0n;
  return exponent >= MIN_RSA_EXPONENT && exponent % 2n === 1n;
}
