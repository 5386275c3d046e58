import type { AuthStack } from '../../api/auth-stack.ts';
import { labelsOf, namesOf, namespaceOf, ownedBy, selectorOf } from '../../api/names.ts';
import type { StatefulSet } from '../../runtime/core-kinds.ts';
import type { KubernetesObject } from '../../runtime/objects.ts';
import type { PodTemplate } from './pod-template.ts';
import { claimSpec } from './volume-claim.ts';

export interface StatefulSetOptions {
  readonly replicas: number;
  readonly template: PodTemplate;
  /** Of each volume. */
  readonly size: string;
}

/** The members. Kubernetes starts all at once and restarts none by itself: which may go, and when, is ours to decide. */
export function membersStatefulSet(stack: AuthStack, options: StatefulSetOptions): KubernetesObject {
  const names = namesOf(stack.metadata.name);
  const labels = labelsOf(stack, 'mongodb');
  const object = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: {
      name: names.mongodb,
      namespace: namespaceOf(stack),
      labels,
      ownerReferences: ownedBy(stack),
    },
    spec: {
      replicas: options.replicas,
      serviceName: names.mongodb,
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'OnDelete' },
      revisionHistoryLimit: 3,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      selector: { matchLabels: selectorOf(stack, 'mongodb') },
      template: options.template,
      volumeClaimTemplates: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: { name: 'data', labels },
          spec: claimSpec(stack, options.size),
        },
      ],
    },
  };
  return object;
}

/** Its controller has seen what it is to do, and has fewer pods. */
export function lacksPods({ metadata, spec, status }: StatefulSet): boolean {
  return status?.observedGeneration === metadata.generation && (status?.replicas ?? 0) < (spec?.replicas ?? 0);
}
