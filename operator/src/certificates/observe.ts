import type { X509Certificate } from 'node:crypto';
import type { AuthStack } from '../api/auth-stack.ts';
import { namesOf, namespaceOf } from '../api/names.ts';

import type { Cluster } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { certificateAuthority } from '../stored/ca.ts';
import type { KeyPair } from '../stored/ca.ts';
import { readStored } from '../stored/secret.ts';
import type { Seen } from '../stored/secret.ts';
import type { ServerTls } from '../stored/server-tls.ts';
import { inspect, inspectAuthority } from './certificate.ts';
import { secretNameOf, servers } from './servers.ts';
import type { Server } from './servers.ts';
import type { CertificatesObservation, SeenAuthority, SeenServerCertificate } from './types.ts';

export interface CertificatesPorts {
  readonly cluster: Cluster;
}

export async function observeCertificates(
  stack: AuthStack,
  { cluster }: CertificatesPorts,
  pass: Pass,
): Promise<CertificatesObservation> {
  const namespace = namespaceOf(stack);
  // The watch sees only what carries our labels; a Secret without them must be seen before one is created.
  const find = (name: string): Promise<Secret | undefined> => cluster.find(secretKind, { namespace, name }, pass);
  const authority = readStored(certificateAuthority, stack, await find(namesOf(stack.metadata.name).ca));
  const judged = async (server: Server): Promise<SeenServerCertificate> => {
    const tls = readStored(servers[server].secret, stack, await find(secretNameOf(server, stack)));
    return judgeServer(servers[server].hostName(stack), { tls, authority });
  };
  const [agents, authPods] = await Promise.all([judged('agents'), judged('authPods')]);
  return { stack, now: pass.now, authority: judgeAuthority(authority), servers: { agents, authPods } };
}

function judgeAuthority(stored: Seen<KeyPair>): SeenAuthority {
  if (stored.state !== 'value') return stored;
  const certificate = inspectAuthority(stored.value);
  return 'why' in certificate
    ? { state: 'malformed', why: certificate.why }
    : { state: 'valid', ...lifeOf(certificate) };
}

interface Issued {
  readonly tls: Seen<ServerTls>;
  readonly authority: Seen<KeyPair>;
}

function judgeServer(hostName: string, { tls, authority }: Issued): SeenServerCertificate {
  if (tls.state !== 'value') return tls;
  const certificate = inspect(tls.value);
  if ('why' in certificate) return { state: 'malformed', why: certificate.why };
  return {
    state: 'valid',
    ...lifeOf(certificate),
    issuedByAuthority: authority.state === 'value' && isIssuedBy(authority.value, { certificate, tls: tls.value }),
    hasName: certificate.subjectAltName === `DNS:${hostName}`,
  };
}

interface IssuedCertificate {
  readonly certificate: X509Certificate;
  readonly tls: ServerTls;
}

function isIssuedBy(authority: KeyPair, { certificate, tls }: IssuedCertificate): boolean {
  const issuer = inspectAuthority(authority);
  if ('why' in issuer || tls.authority !== authority.certificate) return false;
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function lifeOf(certificate: X509Certificate): { readonly notBefore: number; readonly notAfter: number } {
  return { notBefore: certificate.validFromDate.getTime(), notAfter: certificate.validToDate.getTime() };
}
