import type { X509Certificate } from 'node:crypto';
import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf } from '../api/names.ts';
import type { Cluster } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { belongsTo } from '../stored/secret.ts';
import { inspect } from './certificate.ts';
import type { KeyPair } from './certificate.ts';
import type { CertificatesObservation, SeenAuthority, SeenServerCertificate } from './types.ts';

export interface CertificatesPorts {
  readonly cluster: Cluster;
}

export async function observeCertificates(
  stack: AuthStack,
  { cluster }: CertificatesPorts,
  { now, signal }: Pass,
): Promise<CertificatesObservation> {
  const { ca, agentTls } = namesOf(stack.metadata.name);
  // The watch sees only what carries our label; a Secret without it must be seen before one is made.
  const find = (name: string): Promise<Secret | undefined> => cluster.find(secretKind, refIn(stack, name), { signal });
  const authority = await find(ca);
  return {
    stack,
    now,
    authority: readAuthority(stack, authority),
    agent: readAgent(stack, await find(agentTls), authority),
  };
}

export function refIn(stack: AuthStack, name: string): { readonly name: string; readonly namespace: string } {
  return { namespace: stack.metadata.namespace ?? '', name };
}

/** `*` stands for the members: `shop-mongodb-0.shop-mongodb.auth.svc`. */
export function agentHostPattern(stack: AuthStack): string {
  return `*.${namesOf(stack.metadata.name).mongodb}.${stack.metadata.namespace ?? ''}.svc`;
}

/** The PEM texts in a Secret of type kubernetes.io/tls. */
export function keyPairIn(secret: Secret): KeyPair {
  return { certificate: textIn(secret, 'tls.crt'), privateKey: textIn(secret, 'tls.key') };
}

function readAuthority(stack: AuthStack, secret: Secret | undefined): SeenAuthority {
  const found = read(stack, secret);
  if ('state' in found) return found;
  if (!found.ca) return { state: 'malformed', why: 'tls.crt is not a certificate authority' };
  return { state: 'valid', ...lifeOf(found) };
}

function readAgent(stack: AuthStack, secret: Secret | undefined, ca: Secret | undefined): SeenServerCertificate {
  const found = read(stack, secret);
  if ('state' in found) return found;
  return {
    state: 'valid',
    ...lifeOf(found),
    issuedByAuthority:
      ca !== undefined && secret !== undefined && isIssuedBy(found, { ca, mounted: textIn(secret, 'ca.crt') }),
    hasName: found.subjectAltName === `DNS:${agentHostPattern(stack)}`,
  };
}

function isIssuedBy(
  certificate: X509Certificate,
  { ca, mounted }: { readonly ca: Secret; readonly mounted: string },
): boolean {
  const pair = keyPairIn(ca);
  const authority = inspect(pair);
  if ('why' in authority) return false;
  return mounted === pair.certificate && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

type Unusable = Exclude<SeenAuthority, { state: 'valid' }>;

function read(stack: AuthStack, secret: Secret | undefined): X509Certificate | Unusable {
  if (!secret) return { state: 'absent' };
  if (!belongsTo(stack, secret)) return { state: 'foreign' };
  const found = inspect(keyPairIn(secret));
  return 'why' in found ? { state: 'malformed', why: found.why } : found;
}

function lifeOf(certificate: X509Certificate): { readonly notBefore: number; readonly notAfter: number } {
  return { notBefore: certificate.validFromDate.getTime(), notAfter: certificate.validToDate.getTime() };
}

function textIn(secret: Secret, key: string): string {
  return Buffer.from(secret.data?.[key] ?? '', 'base64').toString('utf8');
}
