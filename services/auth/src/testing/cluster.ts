import { createHash, generateKeyPairSync, randomBytes, randomUUID, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { ClientsDocument } from '../api.ts';

/** Signs tokens of ServiceAccounts as an API server does, and publishes its keys as that. */
export interface TestCluster {
  readonly issuer: string;
  readonly jwks: () => NonNullable<ClientsDocument['cluster']>['keys'];
  /** From now on another key signs; the old one stays published until it is dropped. */
  rotate(): void;
  dropOldKeys(): void;
  token(claims: TokenClaims, header?: object): string;
}

export interface TokenClaims {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audience: string | readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly lifetimeSeconds?: number;
  readonly issuer?: string;
}

const kinds = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
} as const;

interface Key {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: { readonly kid: string; readonly [member: string]: unknown };
}

export function aCluster(algorithm: keyof typeof kinds = 'RS256'): TestCluster {
  const issuer = 'https://kubernetes.default.svc.cluster.local';
  let keys = [aKey()];

  function aKey(): Key {
    const { privateKey, publicKey } = kinds[algorithm]();
    const kid = randomBytes(16).toString('base64url');
    return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' } };
  }

  return {
    issuer,
    jwks: () => keys.map(({ jwk }) => jwk),
    rotate() {
      keys = [aKey(), ...keys];
    },
    dropOldKeys() {
      keys = keys.slice(0, 1);
    },
    token({ namespace, name, uid, audience, now, lifetimeSeconds = 3_600, issuer: iss = issuer }, header = {}) {
      const [key] = keys;
      if (!key) throw new TypeError('no key signs');
      const iat = Math.floor(now / 1000);
      const claims = {
        ...{ aud: [audience].flat(), exp: iat + lifetimeSeconds, iat, iss, jti: randomUUID(), nbf: iat },
        'kubernetes.io': {
          namespace,
          node: { name: 'node-1', uid: randomUUID() },
          pod: { name: `${name}-0`, uid: randomUUID() },
          serviceaccount: { name, uid },
        },
        sub: `system:serviceaccount:${namespace}:${name}`,
      };
      const signed = [{ alg: algorithm, kid: key.kid, ...header }, claims].map(encoded).join('.');
      return `${signed}.${signatureOf(signed, key).toString('base64url')}`;
    },
  };

  function signatureOf(text: string, { privateKey }: Key): Buffer {
    return sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  }
}

export function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** As the operator writes it into `clients.json`. */
export function storedSecret(secret: string, notAfter?: string): { sha256: string; notAfter?: string } {
  const sha256 = createHash('sha256').update(secret).digest('base64url');
  return { sha256, ...(notAfter !== undefined && { notAfter }) };
}

/** RFC 6749, section 2.3.1. */
export function basic(id: string, secret: string): string {
  const text = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
  return `Basic ${Buffer.from(text).toString('base64')}`;
}
