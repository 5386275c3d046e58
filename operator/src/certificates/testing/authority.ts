import { webcrypto } from 'node:crypto';
// Before x509: its dependency injection wants it.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { KeyPair } from '../../stored/ca.ts';

const rsa = (modulusLength: number): webcrypto.RsaHashedKeyGenParams => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
});

const algorithms = {
  'RSA 3072': rsa(3072),
  'RSA 1024': rsa(1024),
  'P-384': { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  Ed25519: { name: 'Ed25519' },
} as const;

export type AuthorityKey = keyof typeof algorithms;

/** A certificate authority as somebody might bring one, valid for a day. */
export async function authorityOf(key: AuthorityKey, now: number): Promise<KeyPair> {
  const algorithm = algorithms[key] as webcrypto.EcKeyGenParams;
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: [{ CN: [`authority ${key}`] }],
    notBefore: new Date(now - 60_000),
    notAfter: new Date(now + 86_400_000),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certificate: certificate.toString('pem'), privateKey: x509.PemConverter.encode(der, 'PRIVATE KEY') };
}
