import type { X509Certificate } from 'node:crypto';
import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf, namespaceOf } from '../api/names.ts';

import type { Cluster } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { agentTls } from '../stored/agent-tls.ts';
import type { AgentTls } from '../stored/agent-tls.ts';
import { certificateAuthority } from '../stored/ca.ts';
import type { KeyPair } from '../stored/ca.ts';
import { readStored } from '../stored/secret.ts';
import type { Seen, StackName } from '../stored/secret.ts';
import { inspect, inspectAuthority } from './certificate.ts';
import type { CertificatesObservation, SeenAuthority, SeenServerCertificate } from './types.ts';

export interface CertificatesPorts {
  readonly cluster: Cluster;
}

export async function observeCertificates(
  stack: AuthStack,
  { cluster }: CertificatesPorts,
  pass: Pass,
): Promise<CertificatesObservation> {
  const { ca, agentTls: agent } = namesOf(stack.metadata.name);
  const namespace = namespaceOf(stack);
  // The watch sees only what carries our labels; a Secret without them must be seen before one is created.
  const find = (name: string): Promise<Secret | undefined> => cluster.find(secretKind, { namespace, name }, pass);
  const authority = readStored(certificateAuthority, stack, await find(ca));
  return {
    stack,
    now: pass.now,
    authority: judgeAuthority(authority),
    agent: judgeAgent(stack, { tls: readStored(agentTls, stack, await find(agent)), authority }),
  };
}

/** `*` stands for the members: `shop-mongodb-0.shop-mongodb.auth.svc`. */
export function agentHostPattern(stack: StackName): string {
  return `*.${namesOf(stack.metadata.name).mongodb}.${namespaceOf(stack)}.svc`;
}

function judgeAuthority(stored: Seen<KeyPair>): SeenAuthority {
  if (stored.state !== 'value') return stored;
  const certificate = inspectAuthority(stored.value);
  return 'why' in certificate
    ? { state: 'malformed', why: certificate.why }
    : { state: 'valid', ...lifeOf(certificate) };
}

interface Agent {
  readonly tls: Seen<AgentTls>;
  readonly authority: Seen<KeyPair>;
}

function judgeAgent(stack: AuthStack, { tls, authority }: Agent): SeenServerCertificate {
  if (tls.state !== 'value') return tls;
  const certificate = inspect(tls.value);
  if ('why' in certificate) return { state: 'malformed', why: certificate.why };
  return {
    state: 'valid',
    ...lifeOf(certificate),
    issuedByAuthority: authority.state === 'value' && isIssuedBy(authority.value, { certificate, tls: tls.value }),
    hasName: certificate.subjectAltName === `DNS:${agentHostPattern(stack)}`,
  };
}

interface IssuedCertificate {
  readonly certificate: X509Certificate;
  readonly tls: AgentTls;
}

function isIssuedBy(authority: KeyPair, { certificate, tls }: IssuedCertificate): boolean {
  const issuer = inspectAuthority(authority);
  if ('why' in issuer || tls.authority !== authority.certificate) return false;
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function lifeOf(certificate: X509Certificate): { readonly notBefore: number; readonly notAfter: number } {
  return { notBefore: certificate.validFromDate.getTime(), notAfter: certificate.validToDate.getTime() };
}
