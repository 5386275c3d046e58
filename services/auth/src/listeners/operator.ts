import { operatorProblemOf, operatorProblems } from '@authstack/http-service/operator-problems';
import { post } from '@authstack/http-service/operator-server';
import type { HttpServiceOptions } from '@authstack/http-service/service';
import { authContract, keysReload } from '../api.ts';
import type { Verifiers } from '../events/verifiers.ts';
import type { LoadedKeys } from '../keys/loaded-keys.ts';

const failed = 'the service failed; see kubectl logs <pod> -c auth';

export interface OperatorPorts {
  readonly keys: Pick<LoadedKeys, 'report' | 'reload'>;
  readonly verifiers: Pick<Verifiers, 'report'>;
}

/** For the operator alone: what this pod has in its memory, and what it must not use any more. */
export function operatorListener(
  tlsDir: string | undefined,
  { keys, verifiers }: OperatorPorts,
): Pick<HttpServiceOptions, 'operator'> {
  if (tlsDir === undefined) return {};
  return {
    operator: {
      tlsDir,
      problemOf: (error) => operatorProblemOf(error, { statuses: operatorProblems, failed }),
      routes: new Map([
        [authContract.keysPath, { method: 'GET', handle: () => keys.report() }],
        [authContract.reloadKeysPath, post(keysReload, (wanted) => keys.reload(wanted))],
        [authContract.verifiersPath, { method: 'GET', handle: () => verifiers.report() }],
      ]),
    },
  };
}
