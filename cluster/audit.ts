import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { cache } from './cache.ts';

/** Folder of the control plane's node that has the API server's audit log. */
export const auditLogFolder = '/var/log/kubernetes/audit';
const policyFolder = '/etc/kubernetes/audit-policy';
const policyFile = `${policyFolder}/policy.yaml`;

/** audit.k8s.io/v1 Policy: who did what, of the operator's account only and without what was in it. */
export const auditPolicy: object = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  // A watch is told of when it begins: it may go on longer than a run of the scenarios.
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', users: ['system:serviceaccount:authstack-system:auth-stack'] }, { level: 'None' }],
};

/** What kind mounts into the control plane's node; written anew each time, so that the cache may be emptied. */
export async function auditMount(): Promise<object> {
  const folder = join(cache, 'audit-policy');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'policy.yaml'), stringify(auditPolicy));
  return { hostPath: folder, containerPath: policyFolder, readOnly: true };
}

/**
 * Of kubeadm, whatever version of its configuration kind writes: without an apiVersion kind takes a map of arguments for
 * both. At most 4 files of 32 MB are kept.
 */
export const auditedApiServer: object = {
  kind: 'ClusterConfiguration',
  apiServer: {
    extraArgs: {
      'audit-policy-file': policyFile,
      'audit-log-path': `${auditLogFolder}/audit.log`,
      'audit-log-maxsize': '32',
      'audit-log-maxbackup': '3',
    },
    extraVolumes: [
      volume('audit-policy', policyFolder, { readOnly: true }),
      volume('audit-log', auditLogFolder, { readOnly: false }),
    ],
  },
};

function volume(name: string, path: string, { readOnly }: { readonly readOnly: boolean }): object {
  return { name, hostPath: path, mountPath: path, readOnly, pathType: 'DirectoryOrCreate' };
}
