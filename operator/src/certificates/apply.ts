import { namespaceOf } from '../api/names.ts';

import { performKubernetes } from '../runtime/cluster.ts';
import type { Performed } from '../runtime/cluster.ts';
import { secretKind } from '../runtime/core-kinds.ts';
import type { Secret } from '../runtime/core-kinds.ts';
import { unreachable } from '../runtime/objects.ts';
import type { Pass } from '../runtime/reconciler.ts';
import { certificateAuthority } from '../stored/ca.ts';
import { createStored, readStored, replaceStored } from '../stored/secret.ts';
import type { StackName, StoredSecret } from '../stored/secret.ts';
import { createAuthority, inspectAuthority, issue } from './certificate.ts';
import type { CertificatesPorts } from './observe.ts';
import { servers } from './servers.ts';
import type { Server } from './servers.ts';
import { AUTHORITY_LIFE, SERVER_LIFE } from './types.ts';
import type { CertificatesAction } from './types.ts';

/** The authority's Secret was usable when the plan was made and is not any more; the next pass plans afresh. */
export class AuthorityUnusable extends Error {
  override readonly name: string = 'AuthorityUnusable';
  readonly code: string = 'AUTHORITY_UNUSABLE';
}

export async function performCertificates(
  action: CertificatesAction,
  ports: CertificatesPorts,
  pass: Pass,
): Promise<Performed> {
  const stack = { metadata: action.stack };
  switch (action.type) {
    case 'createAuthority':
      return makeAuthority(stack, ports, pass);
    case 'issueServerCertificate':
      return issueServerCertificate({ stack, server: action.server }, ports, pass);
    default:
      return unreachable(action);
  }
}

async function makeAuthority(stack: StackName, { cluster }: CertificatesPorts, pass: Pass): Promise<Performed> {
  const name = `${namespaceOf(stack)}/${stack.metadata.name} AuthStack CA`;
  const pair = await createAuthority(name.slice(-64), { now: pass.now, life: AUTHORITY_LIFE });
  return performKubernetes(createStored(certificateAuthority, stack, pair), cluster, pass);
}

interface Issue {
  readonly stack: StackName;
  readonly server: Server;
}

async function issueServerCertificate(
  { stack, server }: Issue,
  { cluster }: CertificatesPorts,
  pass: Pass,
): Promise<Performed> {
  const { secret, commonName, hostName } = servers[server];
  // Read live: it may have been created a moment ago, and what signs must be what is stored.
  const read = <Value>(kind: StoredSecret<Value>): Promise<Secret | undefined> =>
    cluster.read(secretKind, { namespace: namespaceOf(stack), name: kind.nameOf(stack.metadata.name) }, pass);
  const authority = readStored(certificateAuthority, stack, await read(certificateAuthority));
  if (authority.state !== 'value' || 'why' in inspectAuthority(authority.value)) {
    const name = certificateAuthority.nameOf(stack.metadata.name);
    throw new AuthorityUnusable(`issue a certificate: Secret ${name} is not usable any more`);
  }
  const pair = await issue(authority.value, {
    commonName,
    dnsNames: [hostName(stack)],
    use: 'server',
    now: pass.now,
    life: SERVER_LIFE,
  });
  const value = { ...pair, authority: authority.value.certificate };
  const { resourceVersion } = (await read(secret))?.metadata ?? {};
  const write =
    resourceVersion === undefined
      ? createStored(secret, stack, value)
      : replaceStored(secret, stack, { value, resourceVersion });
  return performKubernetes(write, cluster, pass);
}
