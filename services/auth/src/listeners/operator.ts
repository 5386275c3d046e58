import { operatorProblemOf, operatorProblems, OperatorRefusal } from '@authstack/http-service/operator-problems';
import { post } from '@authstack/http-service/operator-server';
import type { OperatorServerDeps } from '@authstack/http-service/operator-server';
import type { HttpServiceOptions } from '@authstack/http-service/service';
import { authContract, clientsDocument, keysReload } from '../api.ts';
import type { ClientsDocument, ClientsReport, KeysReport } from '../api.ts';
import { ClientsUnusable } from '../clients/clients.ts';
import type { LoadedClients } from '../clients/loaded-clients.ts';
import type { Verifiers } from '../events/verifiers.ts';
import type { LoadedKeys } from '../keys/loaded-keys.ts';
import type { WrappingKeys } from '../keys/wrapping-keys.ts';

const failed = 'the service failed; see kubectl logs <pod> -c auth';

export interface OperatorPorts {
  readonly keys: Pick<LoadedKeys, 'report' | 'reload'>;
  readonly wrappingKeys: Pick<WrappingKeys, 'ids'>;
  readonly verifiers: Pick<Verifiers, 'report'>;
  readonly clients: Pick<LoadedClients, 'report' | 'reload'>;
  /** What was told is kept for the next container. */
  readonly kept: () => Promise<void>;
  readonly counted?: OperatorServerDeps['counted'];
}

function reloaded(clients: OperatorPorts['clients'], wanted: ClientsDocument): ClientsReport {
  try {
    return clients.reload(wanted);
  } catch (cause) {
    if (!(cause instanceof ClientsUnusable)) throw cause;
    throw new OperatorRefusal('BAD_REQUEST', cause.message, { cause });
  }
}

/** Twice what a Secret can hold, which the same document is in. */
const CLIENTS_BYTES = 2 * 1024 * 1024;

/** For the operator alone: what this pod has in its memory, and what it must not use any more. */
export function operatorListener(
  tlsDir: string | undefined,
  { keys, wrappingKeys, clients, verifiers, kept, counted }: OperatorPorts,
): Pick<HttpServiceOptions, 'operator'> {
  if (tlsDir === undefined) return {};
  // In effect at once; what the operator is answered outlives the container, too.
  const onceKept = async <Report>(report: Report): Promise<Report> => {
    await kept();
    return report;
  };
  const withWrappingKeys = (report: KeysReport): KeysReport => ({ ...report, wrappingKeys: [...wrappingKeys.ids] });
  return {
    operator: {
      tlsDir,
      ...(counted && { counted }),
      problemOf: (error) => operatorProblemOf(error, { statuses: operatorProblems, failed }),
      routes: new Map([
        [authContract.keysPath, { method: 'GET', handle: () => withWrappingKeys(keys.report()) }],
        [authContract.reloadKeysPath, post(keysReload, (wanted) => onceKept(withWrappingKeys(keys.reload(wanted))))],
        [authContract.verifiersPath, { method: 'GET', handle: () => verifiers.report() }],
        [authContract.clientsPath, { method: 'GET', handle: () => clients.report() }],
        [
          authContract.reloadClientsPath,
          post(clientsDocument, (wanted) => onceKept(reloaded(clients, wanted)), { maxBodyBytes: CLIENTS_BYTES }),
        ],
      ]),
    },
  };
}
