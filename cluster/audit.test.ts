import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { createApiClient } from '../operator/src/runtime/client.ts';
import { eventually } from '../operator/src/runtime/testing/eventually.ts';
import { auditedIn, startApiServer } from '../test/support/api-server.ts';
import { auditLogFolder, auditPolicy, auditedApiServer } from './audit.ts';
import { configuration } from './kind.ts';

interface ApiServerPatch {
  readonly apiServer: {
    readonly extraArgs: Readonly<Record<string, string>>;
    readonly extraVolumes: readonly {
      readonly hostPath: string;
      readonly mountPath: string;
      readonly readOnly: boolean;
    }[];
  };
}

interface KindConfiguration {
  readonly nodes: readonly {
    readonly role: string;
    readonly extraMounts?: readonly { readonly containerPath: string }[];
  }[];
}

const { extraArgs, extraVolumes } = (auditedApiServer as ApiServerPatch).apiServer;

test('the files that the API server is told of lie in folders that it is given, and it may write the log', () => {
  for (const [argument, mayWrite] of [
    ['audit-policy-file', false],
    ['audit-log-path', true],
  ] as const) {
    const path = extraArgs[argument] ?? '';
    const volume = extraVolumes.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
    expect(volume).toMatchObject({ hostPath: volume?.mountPath, readOnly: !mayWrite });
  }
  expect(extraArgs['audit-log-path']).toMatch(new RegExp(`^${auditLogFolder}/audit.*\\.log$`));
});

test("the policy's folder of the node is mounted from this machine, into the control plane only", () => {
  const [policyVolume] = extraVolumes;
  const mount = { hostPath: '/somewhere', containerPath: policyVolume?.hostPath };
  const { nodes } = configuration({ ownImage: true, auditMount: mount }) as KindConfiguration;
  expect(nodes.filter(({ extraMounts }) => extraMounts?.includes(mount as never)).map(({ role }) => role)).toEqual([
    'control-plane',
  ]);
});

test("the policy audits the operator's account alone, and a watch as soon as it begins", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'audit-'));
  const watching = new AbortController();
  try {
    const auditLog = join(folder, 'audit.log');
    await using api = await startApiServer({ auditLog, auditPolicy });
    await api.kubectl(['create', 'namespace', 'authstack-system']);
    for (const account of ['auth-stack', 'another']) {
      await api.kubectl(['-n', 'authstack-system', 'create', 'serviceaccount', account]);
      const subject = `--serviceaccount=authstack-system:${account}`;
      await api.kubectl(['create', 'clusterrolebinding', account, '--clusterrole=cluster-admin', subject]);
      const kubeconfig = await api.kubeconfigOf('authstack-system', account);
      const client = createApiClient({ userAgent: account, kubeconfig });
      await client.stream({ path: '/api/v1/pods', query: { watch: 'true' }, signal: watching.signal });
    }
    await eventually(async () => {
      const requests = auditedIn(await readFile(auditLog, 'utf8'));
      expect(requests.map(({ verb, userAgent }) => `${verb} by ${userAgent ?? ''}`)).toEqual(['watch by auth-stack']);
    });
  } finally {
    watching.abort();
    await rm(folder, { recursive: true });
  }
}, 60_000);
