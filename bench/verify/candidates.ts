import { verify } from 'node:crypto';
import { createVerifier as createFastVerifier } from 'fast-jwt';
import { jwtVerify } from 'jose';
import jwt from 'jsonwebtoken';
import { createVerifier } from '../../packages/verify/src/index.ts';
import type { Verifier } from '../../packages/verify/src/index.ts';
import { AUDIENCE, ISSUER } from '../../packages/verify/src/testing/issuer.ts';
import type { SecretMount } from '../../packages/verify/src/testing/secret-mount.ts';
import type { Candidate } from './cpu.ts';
import { key } from './tokens.ts';

/** Calls `verifyOne` for the next token, and again. */
export function repeated(next: () => string, verifyOne: (token: string) => unknown): Candidate {
  return (calls) => {
    for (let call = 0; call < calls; call += 1) verifyOne(next());
  };
}

export function repeatedInPromises(next: () => string, verifyOne: (token: string) => Promise<unknown>): Candidate {
  return async (calls) => {
    for (let call = 0; call < calls; call += 1) await verifyOne(next());
  };
}

/** Nothing but the signature, over bytes that are there already: what no verifier can be faster than. */
export function bareSignature(tokens: readonly string[]): Candidate {
  const signatures = tokens.map((token) => {
    const end = token.lastIndexOf('.');
    return { signed: Buffer.from(token.slice(0, end)), der: derOf(Buffer.from(token.slice(end + 1), 'base64url')) };
  });
  let next = 0;
  return (calls) => {
    for (let call = 0; call < calls; call += 1) {
      const signature = signatures[next];
      next = (next + 1) % signatures.length;
      if (!signature || !verify('sha256', signature.signed, key.publicKey, signature.der)) throw new Error('refused');
    }
  };
}

function derOf(signature: Buffer): Buffer {
  const numbers = Buffer.concat([integerOf(signature.subarray(0, 32)), integerOf(signature.subarray(32))]);
  return Buffer.concat([Buffer.of(0x30, numbers.length), numbers]);
}

function integerOf(bytes: Buffer): Buffer {
  const digits = bytes.subarray(
    Math.max(
      0,
      bytes.findIndex((byte) => byte !== 0),
    ),
  );
  const content = (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits;
  return Buffer.concat([Buffer.of(0x02, content.length), content]);
}

export function oursWith({ directory }: SecretMount, cacheSize?: number): Verifier {
  return createVerifier({ directory, ...(cacheSize !== undefined && { cacheSize }) });
}

/** As their documentation says for tokens of this kind; none of them looks at `typ` unless told to. */
export function jsonwebtoken(token: string): unknown {
  return jwt.verify(token, key.publicKey, { algorithms: ['ES256'], issuer: ISSUER, audience: AUDIENCE });
}

export function jose(token: string): Promise<unknown> {
  return jwtVerify(token, key.publicKey, { algorithms: ['ES256'], issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt' });
}

export function fastJwt(cacheSize: number | false): (token: string) => unknown {
  return createFastVerifier({
    key: key.publicKey.export({ type: 'spki', format: 'pem' }) as string,
    algorithms: ['ES256'],
    allowedIss: ISSUER,
    allowedAud: AUDIENCE,
    cache: cacheSize,
  }) as (token: string) => unknown;
}
