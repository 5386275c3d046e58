import { authHostOf, namesOf, namespaceOf } from '../api/names.ts';
import type { StoredSecret, StackName } from '../stored/secret.ts';
import { agentTls, authTls } from '../stored/server-tls.ts';
import type { ServerTls } from '../stored/server-tls.ts';

/** What of a stack serves TLS with a certificate of the stack's authority. */
export type Server = 'agents' | 'authPods';

export interface ServerCertificate {
  readonly secret: StoredSecret<ServerTls>;
  /** At most 64 characters, so no host name, which is in the alternative names. */
  readonly commonName: string;
  /** What clients ask for. */
  readonly hostName: (stack: StackName) => string;
}

export const servers: Readonly<Record<Server, ServerCertificate>> = {
  agents: {
    secret: agentTls,
    commonName: 'authstack-mongodb-agent',
    // `*` stands for the members: `shop-mongodb-0.shop-mongodb.auth.svc`.
    hostName: (stack) => `*.${namesOf(stack.metadata.name).mongodb}.${namespaceOf(stack)}.svc`,
  },
  authPods: {
    secret: authTls,
    commonName: 'authstack-auth',
    // The operator asks each pod at its address and for this name; others ask the Service.
    hostName: ({ metadata }) => authHostOf(metadata),
  },
};

/** In a fixed order. */
export const everyServer: readonly Server[] = ['agents', 'authPods'];

export function secretNameOf(server: Server, { metadata }: StackName): string {
  return servers[server].secret.nameOf(metadata.name);
}
