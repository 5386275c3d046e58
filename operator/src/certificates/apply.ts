import type { AuthStack } from '../api/auth-stack.ts';
import { labelsOf, namesOf } from '../api/names.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { unreachable } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { createAuthority, inspect, issue } from './certificate.ts';
import type { KeyPair } from './certificate.ts';
import { agentHostPattern, keyPairIn, refIn } from './observe.ts';
import type { CertificatesPorts } from './observe.ts';
import { AGENT_LIFE, AUTHORITY_LIFE } from './types.ts';
import type { CertificatesAction } from './types.ts';

/** The authority's Secret was there when the plan was made and is not usable now; the next pass looks afresh. */
export class AuthorityUnusable extends Error {
  override readonly name: string = 'AuthorityUnusable';
  readonly code: string = 'AUTHORITY_UNUSABLE';
}

export async function performCertificates(
  action: CertificatesAction,
  ports: CertificatesPorts,
  pass: Pass,
): Promise<void> {
  switch (action.type) {
    case 'createAuthority':
      return makeAuthority(action.stack, ports, pass);
    case 'issueAgentCertificate':
      return issueAgentCertificate(action.stack, ports, pass);
    default:
      return unreachable(action);
  }
}

async function makeAuthority(stack: AuthStack, { cluster }: CertificatesPorts, { now, signal }: Pass): Promise<void> {
  const name = `${stack.metadata.namespace ?? ''}/${stack.metadata.name} AuthStack CA`;
  const pair = await createAuthority(name.slice(-64), { now, life: AUTHORITY_LIFE });
  await cluster.create(secretKind, tlsSecret(stack, namesOf(stack.metadata.name).ca, { pair }), { signal });
}

async function issueAgentCertificate(
  stack: AuthStack,
  { cluster }: CertificatesPorts,
  { now, signal }: Pass,
): Promise<void> {
  const names = namesOf(stack.metadata.name);
  // Read live: it may have been made a moment ago, and what signs must be what is stored.
  const secret = await cluster.read(secretKind, refIn(stack, names.ca), { signal });
  const authority = secret && keyPairIn(secret);
  if (!authority || 'why' in inspect(authority)) {
    throw new AuthorityUnusable(`issue the agents' certificate: Secret ${names.ca} is not usable any more`);
  }
  const pattern = agentHostPattern(stack);
  const pair = await issue(authority, {
    // A common name has at most 64 characters; the host names are in the alternative names.
    commonName: 'authstack-mongodb-agent',
    dnsNames: [pattern],
    use: 'server',
    now,
    life: AGENT_LIFE,
  });
  const wanted = tlsSecret(stack, names.agentTls, { pair, authority: authority.certificate });
  const existing = await cluster.read(secretKind, refIn(stack, names.agentTls), { signal });
  if (!existing) {
    await cluster.create(secretKind, wanted, { signal });
    return;
  }
  const { resourceVersion } = existing.metadata;
  const metadata = { ...wanted.metadata, ...(resourceVersion !== undefined && { resourceVersion }) };
  await cluster.replace(secretKind, { ...wanted, metadata }, { signal });
}

function tlsSecret(
  stack: AuthStack,
  name: string,
  { pair, authority }: { readonly pair: KeyPair; readonly authority?: string },
): Secret {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { ...refIn(stack, name), labels: labelsOf(stack, 'certificates') },
    type: 'kubernetes.io/tls',
    data: {
      'tls.crt': base64(pair.certificate),
      'tls.key': base64(pair.privateKey),
      ...(authority !== undefined && { 'ca.crt': base64(authority) }),
    },
  };
}
