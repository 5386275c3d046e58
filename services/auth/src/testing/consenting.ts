import { join } from 'node:path';
import { createAuthority, writeTlsFiles } from '../../../mongodb-agent/src/testing/certificates.ts';
import type { Authority } from '../../../mongodb-agent/src/testing/certificates.ts';
import { files } from '../api.ts';
import type { ClientsDocument } from '../api.ts';
import { aCluster } from './cluster.ts';
import type { TestCluster } from './cluster.ts';
import { mountSecret } from './world.ts';

/** What a pod is given so that services can ask it, and who may. */
export interface Consenting extends AsyncDisposable {
  readonly environment: Readonly<Record<string, string>>;
  /** The stack's; the certificate of the pods is for `localhost`. */
  readonly authority: Authority;
  /** Whose ServiceAccounts the clients are. */
  readonly cluster: TestCluster;
  /** From now on these and nobody else, as soon as the pods see their mount. */
  become(clients: ClientsDocument['clients']): Promise<void>;
}

export async function consenting(first: ClientsDocument['clients']): Promise<Consenting> {
  await using resources = new AsyncDisposableStack();
  const cluster = aCluster();
  let version = 0;
  const contentOf = (clients: ClientsDocument['clients']): Record<string, string> => {
    version += 1;
    const known = { issuer: cluster.issuer, keys: [...cluster.jwks()] };
    return { [files.clients]: JSON.stringify({ version, cluster: known, clients }) };
  };
  const authority = await createAuthority();
  const tls = resources.use(await mountSecret({}));
  await writeTlsFiles(tls.directory, authority, await authority.issue('shop-auth'));
  const mount = resources.use(await mountSecret(contentOf(first)));
  const open = resources.move();
  return {
    environment: {
      AUTHSTACK_OPERATOR_TLS_DIR: tls.directory,
      AUTHSTACK_OPERATOR_PORT: '0',
      AUTHSTACK_CLIENTS_FILE: join(mount.directory, files.clients),
      AUTHSTACK_SERVICE_PORT: '0',
    },
    authority,
    cluster,
    become: (clients) => mount.swap(contentOf(clients)),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
