import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { run } from '../../cluster/process.ts';
import { eventually } from '../../operator/src/runtime/testing/eventually.ts';
import { auditedRequests, startApiServer } from '../support/api-server.ts';
import type { ApiServer } from '../support/api-server.ts';
import { applyTo, installOperator } from '../support/installed-operator.ts';
import type { InstalledOperator } from '../support/installed-operator.ts';
import { tool } from '../support/tools.ts';
import { distinct, isOfOperator, usesOf } from './audit.ts';
import { deviations } from './deviations.ts';
import { grantsTo } from './grants.ts';
import { record } from './record.ts';
import type { Grant, Use } from './right.ts';
import { StackLifeCycle } from './life-cycle.ts';

let folder: string;
let api: ApiServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rbac-'));
  api = await startApiServer({
    auditLog: join(folder, 'audit.log'),
    admissionPlugins: ['OwnerReferencesPermissionEnforcement'],
  });
  for (const name of ['authstack-system', 'authstack-team', 'auth', 'shop']) {
    const metadata = { name, labels: { trusted: 'true' } };
    await applyTo(api, [{ apiVersion: 'v1', kind: 'Namespace', metadata }]);
    // Made by a controller elsewhere; no pod is admitted without.
    await api.kubectl(['-n', name, 'create', 'serviceaccount', 'default']);
    await api.kubectl(['-n', name, 'create', 'serviceaccount', 'creator']);
    await api.kubectl(['-n', name, 'create', 'role', 'creator', '--verb=create', '--resource=secrets']);
    const binding = ['--role=creator', `--serviceaccount=${name}:creator`];
    await api.kubectl(['-n', name, 'create', 'rolebinding', 'creator', ...binding]);
  }
}, 120_000);

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function usesBy(user: string): Promise<readonly Use[]> {
  const requests = await auditedRequests(join(folder, 'audit.log'));
  return distinct(requests.filter((request) => isOfOperator(request, user)).flatMap(usesOf));
}

/**
 * What admission asks for on behalf of a request is not audited. So it is shown: an account that may do nothing but
 * create Secrets is refused an owner that the operator's account is not.
 */
async function askedByAdmission(owner: Owner, operator: InstalledOperator): Promise<Use> {
  const { namespace, kind, plural, name } = owner;
  const text = await api.kubectl(['-n', namespace, 'get', plural, name, '-o', 'jsonpath={.metadata.uid}']);
  const reference = { apiVersion: 'authstack.dev/v1alpha1', kind, name, uid: text.trim(), blockOwnerDeletion: true };
  const labels = { 'app.kubernetes.io/managed-by': 'authstack-operator' };
  const metadata = { name: 'owned', namespace, labels, ownerReferences: [reference] };
  const secret = JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata });
  const createAs = async (kubeconfig: string): Promise<string> => {
    const args = ['--kubeconfig', kubeconfig, 'create', '--dry-run=server', '-f', '-'];
    return run(await tool('kubectl'), args, { input: secret });
  };
  await expect(createAs(await api.kubeconfigOf(namespace, 'creator'))).rejects.toThrow('cannot set blockOwnerDeletion');
  await expect(createAs(operator.kubeconfig)).resolves.toContain('secret/owned created');
  const example = `OwnerReferencesPermissionEnforcement, when an object with owner ${kind} ${name} was made`;
  return { apiGroup: 'authstack.dev', resource: `${plural}/finalizers`, verb: 'update', namespace, example };
}

interface Owner {
  readonly namespace: string;
  readonly kind: string;
  readonly plural: string;
  readonly name: string;
}

/** Of role system:service-account-issuer-discovery, which every ServiceAccount has: what is in no namespace no Role can give. */
const issuerDiscovery: readonly Grant[] = ['/.well-known/openid-configuration', '/openid/v1/jwks'].map((resource) => ({
  ...{ apiGroup: '', resource, verb: 'get', names: [] },
  ...{ rule: 'system:service-account-issuer-discovery', file: 'Kubernetes itself' },
}));

test.each([
  ['the whole cluster', 'wide', { name: 'auth-stack', namespace: 'authstack-system' }],
  [
    'listed namespaces',
    'narrow',
    { name: 'auth-stack', namespace: 'authstack-team', values: { watchNamespaces: ['auth', 'shop'] } },
  ],
])(
  'the rights of an operator of %s are the requests it makes, no more and no less',
  async (_scope, stack, release) => {
    await using operator = await installOperator(api, { release, log: join(folder, `${stack}.log`) });
    const lifeCycle = new StackLifeCycle(api, stack);
    await lifeCycle.begins();
    if (stack === 'narrow') await lifeCycle.anEventAboutItsOwnPod(operator.kubeconfig, release.namespace);
    await lifeCycle.consumerChangesItsMind();
    await lifeCycle.consumerHasAnIdentity();
    await lifeCycle.stackBecomesSmaller();
    await lifeCycle.volumesChange();
    await lifeCycle.anAuthPodLacksItsLabel();
    await lifeCycle.templateChangesUnderAPod();
    await lifeCycle.anEventIsRepeated(operator.kubeconfig);
    await lifeCycle.podsAreNotCreated(operator.kubeconfig);
    const asked = [
      await askedByAdmission({ namespace: 'auth', kind: 'AuthStack', plural: 'authstacks', name: stack }, operator),
      await askedByAdmission(
        { namespace: 'shop', kind: 'AuthConsumer', plural: 'authconsumers', name: 'orders' },
        operator,
      ),
    ];
    await lifeCycle.ends();
    // A watch is audited when it ends.
    await operator.stop();
    const grants = [...grantsTo(operator.user, operator.chart), ...(stack === 'narrow' ? issuerDiscovery : [])];
    const uses = await eventually(async () => {
      const all = [...(await usesBy(operator.user)), ...asked];
      expect(deviations(grants, all)).toEqual([]);
      return all;
    });
    if (stack === 'wide') await record(uses);
  },
  180_000,
);
