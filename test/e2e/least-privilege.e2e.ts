import { auditLogFolder } from '../../cluster/audit.ts';
import { helm } from '../../cluster/chart.ts';
import { clusterName } from '../../cluster/kind.ts';
import { distinct, isOfOperator, usesOf } from '../rbac/audit.ts';
import { merged } from '../rbac/deviations.ts';
import { grantsTo } from '../rbac/grants.ts';
import { recorded } from '../rbac/record.ts';
import type { Use } from '../rbac/right.ts';
import { auditedIn } from '../support/api-server.ts';
import { objectsIn } from '../support/chart.ts';
import { expect, onNode, scenario } from './world.ts';

const account = 'system:serviceaccount:authstack-system:auth-stack';

scenario(
  'the operator asked for what its chart grants, no more and no less',
  { minutes: 2, suite: 'audit' },
  async () => {
    const grants = grantsTo(account, objectsIn(await helm(['get', 'manifest', 'auth-stack'])));
    const seen = await askedSince(process.env['E2E_STARTED'] ?? '');
    expect(seen.length).toBeGreaterThan(0);
    const known = await recorded();
    if (!known) {
      process.stderr.write(
        'artifacts/rbac has no record of this state of the code, so only requests without a right were looked for; ' +
          '`make unit TEST=test/rbac` makes it, then rights without a request are found as well\n',
      );
    }
    expect(merged(grants, { seen, recorded: known })).toEqual([]);
  },
);

async function askedSince(start: string): Promise<readonly Use[]> {
  const node = `${clusterName}-control-plane`;
  // Several megabytes at most: other accounts are not audited, and only what is of the last hours is asked for.
  const files = `find ${auditLogFolder} -name 'audit*.log' -newermt '${start || '1970-01-01'}' -exec cat {} +`;
  const log = await onNode(node, ['sh', '-c', files]).catch((cause: unknown) => {
    const way = 'a cluster from before the audit log must be recreated: make down, then make up';
    throw new Error(`read the audit log of ${node}: ${auditLogFolder} cannot be read; ${way}`, { cause });
  });
  const requests = auditedIn(log).filter((request) => isOfOperator(request, account));
  return distinct(requests.filter((request) => request.requestReceivedTimestamp >= start).flatMap(usesOf));
}
