import { X509Certificate, createPrivateKey, webcrypto } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
// Before x509: its dependency injection wants it.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { listed } from '../runtime/listed.ts';
import type { Millis } from '../runtime/objects.ts';
import { tlsKeys } from '../stored/ca.ts';
import type { KeyPair } from '../stored/ca.ts';

/** Of the keys that are made here. */
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** An authority that somebody brings may sign by another algorithm; by the curves' names in OpenSSL. */
const curves: Readonly<Record<string, object>> = {
  prime256v1: algorithm,
  secp384r1: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  secp521r1: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
};
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

/** Clocks of nodes differ; a certificate is valid from a little before it was made. */
const BACKDATED: Millis = 5 * 60_000;

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
  const key = createPrivateKey(authority.privateKey);
  const signingAlgorithm = signingAlgorithmOf(key);
  if (!signingAlgorithm) throw new TypeError(`issue a certificate: ${unsupported(key)}`);
  const der = key.export({ type: 'pkcs8', format: 'der' });
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, signingAlgorithm, false, ['sign']);
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
    signingAlgorithm,
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

/** The certificate of an authority that can issue others, or why it cannot. */
export function inspectAuthority(pair: KeyPair): X509Certificate | { readonly why: string } {
  const certificate = inspect(pair);
  if ('why' in certificate) return certificate;
  if (!certificate.ca) return { why: `${tlsKeys.certificate} is not a certificate authority` };
  const key = createPrivateKey(pair.privateKey);
  return signingAlgorithmOf(key) ? certificate : { why: unsupported(key) };
}

type SigningAlgorithm = webcrypto.EcKeyImportParams & webcrypto.EcdsaParams;

function signingAlgorithmOf({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): SigningAlgorithm | undefined {
  const { namedCurve = '', modulusLength = 0 } = asymmetricKeyDetails;
  if (asymmetricKeyType === 'ec') return curves[namedCurve] as SigningAlgorithm | undefined;
  return asymmetricKeyType === 'rsa' && modulusLength >= 2048 ? (rsa as SigningAlgorithm) : undefined;
}

function unsupported({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const details = Object.entries(asymmetricKeyDetails ?? {}).map(([name, value]) => `${name} ${String(value)}`);
  const kind = listed([asymmetricKeyType ?? 'unknown', ...details]);
  return `${tlsKeys.privateKey} is of a kind that the operator cannot sign with (${kind}); it takes RSA of 2048 bits or more, P-256, P-384 and P-521`;
}

/** The certificate of a pair of PEM texts, or why it cannot be used; never the key itself. */
export function inspect({ certificate, privateKey }: KeyPair): X509Certificate | { readonly why: string } {
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(certificate);
  } catch {
    return { why: `${tlsKeys.certificate} is not a PEM certificate` };
  }
  try {
    const key = createPrivateKey(privateKey);
    return parsed.checkPrivateKey(key)
      ? parsed
      : { why: `${tlsKeys.privateKey} does not belong to ${tlsKeys.certificate}` };
  } catch {
    return { why: `${tlsKeys.privateKey} is not a PEM private key` };
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
