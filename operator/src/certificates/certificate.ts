import { X509Certificate, createPrivateKey, webcrypto } from 'node:crypto';
// Before x509: its dependency injection wants it.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { Millis } from '../runtime/objects.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Clocks of nodes differ; a certificate is valid from a little before it was made. */
const BACKDATED: Millis = 5 * 60_000;

/** PEM texts. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface Life {
  readonly now: Millis;
  readonly life: Millis;
}

export async function createAuthority(commonName: string, { now, life }: Life): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    notBefore: new Date(now - BACKDATED),
    notAfter: new Date(now + life),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), privateKey: await pemOf(keys.privateKey) };
}

export interface LeafRequest extends Life {
  readonly commonName: string;
  readonly dnsNames: readonly string[];
  readonly use: 'server' | 'client';
}

/** A certificate for a new key, signed by `authority`; it never outlives it. */
export async function issue(authority: KeyPair, request: LeafRequest): Promise<KeyPair> {
  const ca = new x509.X509Certificate(authority.certificate);
  const der = createPrivateKey(authority.privateKey).export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
  const own = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const usage = request.use === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth;
  const names = request.dnsNames.map((value) => ({ type: 'dns' as const, value }));
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [request.commonName] }],
    issuer: ca.subjectName,
    notBefore: new Date(request.now - BACKDATED),
    notAfter: new Date(Math.min(request.now + request.life, ca.notAfter.getTime())),
    publicKey: own.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      await x509.AuthorityKeyIdentifierExtension.create(ca),
      await x509.SubjectKeyIdentifierExtension.create(own.publicKey),
    ],
  });
  return { certificate: certificate.toString('pem'), privateKey: await pemOf(own.privateKey) };
}

/** What a pair of PEM texts says, or why it cannot be used; never the key itself. */
export function inspect({ certificate, privateKey }: KeyPair): X509Certificate | { readonly why: string } {
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(certificate);
  } catch {
    return { why: 'tls.crt is not a PEM certificate' };
  }
  try {
    const key = createPrivateKey(privateKey);
    return parsed.checkPrivateKey(key) ? parsed : { why: 'tls.key does not belong to tls.crt' };
  } catch {
    return { why: 'tls.key is not a PEM private key' };
  }
}

// 128 random bits with the top one clear: a positive number, as X.509 wants.
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f || 1;
  return Buffer.from(bytes).toString('hex');
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}
