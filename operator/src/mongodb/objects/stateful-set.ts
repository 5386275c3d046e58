import { createHash } from 'node:crypto';
import { agentContract } from '@authstack/mongodb-agent/api';
import { gateContainer } from '@authstack/mongodb-agent/gate-script';
import type { AuthStack } from '../../api/auth-stack.ts';
import { labelsOf, namesOf, namespaceOf, ownedBy, selectorOf } from '../../api/names.ts';
import type { Pod, StatefulSet } from '../../runtime/core-kinds.ts';
import { canonical } from '../../runtime/json.ts';
import type { KubernetesObject } from '../../runtime/objects.ts';
import { MONGOD_PORT } from '../members/member.ts';
import type { MongodbImages } from '../members/types.ts';
import { claimSpec } from './volume-claim.ts';

export const MONGOD_CONTAINER = 'mongod';

/** The user of MongoDB's own image. */
const USER = 999;
/** Covers the hand-over at TERM and a checkpoint. */
const GRACE_SECONDS = 60;
/** Small enough for a laptop, enough for tens of thousands of users; mongod sizes its cache by the limit. */
const defaultResources = { requests: { cpu: '50m', memory: '256Mi' }, limits: { memory: '1Gi' } };

/** On the pod template, and so on each pod: which template it is of. */
const TEMPLATE_ANNOTATION = 'authstack.dev/template';

export type PodTemplate = NonNullable<NonNullable<StatefulSet['spec']>['template']>;

export interface StatefulSetOptions {
  readonly replicas: number;
  readonly template: PodTemplate;
  /** Of each volume. */
  readonly size: string;
}

export interface TemplateOptions {
  readonly images: MongodbImages;
  readonly version: string;
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

/** What a member's pod is made from; the same inputs give the same id. */
export function podTemplate(stack: AuthStack, options: TemplateOptions): PodTemplate {
  const labels = labelsOf(stack, 'mongodb');
  const spec = podSpec(stack, options);
  const id = createHash('sha256').update(canonical(spec)).digest('hex').slice(0, 10);
  const template = { metadata: { labels, annotations: { [TEMPLATE_ANNOTATION]: id } }, spec };
  return template;
}

/** Of a pod, or of a template. */
export function templateIdOf({ metadata }: Pick<Pod, 'metadata'> | PodTemplate): string | undefined {
  return metadata?.annotations?.[TEMPLATE_ANNOTATION];
}

/** Of the template that new pods get; undefined while the StatefulSet's controller may still be at an older one. */
export function templateIdIn(statefulSet: StatefulSet | undefined): string | undefined {
  const { metadata, spec, status } = statefulSet ?? {};
  if (metadata?.generation === undefined || status?.observedGeneration !== metadata.generation) return undefined;
  return spec?.template && templateIdOf(spec.template);
}

export function mongodImage(stack: AuthStack, images: MongodbImages, version: string): string | undefined {
  return stack.spec.mongodb.image ?? images.mongodb[version];
}

const locked = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

function podSpec(stack: AuthStack, options: TemplateOptions): object {
  const names = namesOf(stack.metadata.name);
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: selectorOf(stack, 'mongodb') },
      },
    ],
    initContainers: [agentContainer(options)],
    containers: [mongodContainer(stack, options)],
    volumes: [
      { name: 'gate', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      { name: 'tmp', emptyDir: {} },
      { name: 'keyfile', secret: { secretName: names.keyfile, defaultMode: 0o440 } },
      { name: 'agent-tls', secret: { secretName: names.agentTls, defaultMode: 0o440 } },
    ],
  };
}

/** A native sidecar (KEP-753): it runs before mongod starts and until after it has ended. */
function agentContainer({ images }: TemplateOptions): object {
  const probe = (path: string): object => ({ httpGet: { path, port: 'probes' } });
  return {
    name: 'agent',
    image: images.agent,
    imagePullPolicy: images.pullPolicy,
    restartPolicy: 'Always',
    env: [{ name: 'AGENT_POD_UID', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.uid' } } }],
    ports: [
      { name: 'agent', containerPort: agentContract.apiPort },
      { name: 'probes', containerPort: agentContract.probePort },
    ],
    startupProbe: { ...probe('/healthz'), periodSeconds: 1, failureThreshold: 60 },
    livenessProbe: { ...probe('/healthz'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 5, timeoutSeconds: 5 },
    resources: { requests: { cpu: '20m', memory: '96Mi' }, limits: { memory: '256Mi' } },
    securityContext: locked,
    volumeMounts: [
      { name: 'data', mountPath: '/data' },
      { name: 'gate', mountPath: '/gate' },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'keyfile', mountPath: '/etc/mongodb/keyfile', readOnly: true },
      { name: 'agent-tls', mountPath: '/etc/mongodb-agent/tls', readOnly: true },
    ],
  };
}

function mongodContainer(stack: AuthStack, { images, version }: TemplateOptions): object {
  const { command, args } = gateContainer({ version });
  return {
    name: MONGOD_CONTAINER,
    image: mongodImage(stack, images, version),
    imagePullPolicy: images.pullPolicy,
    command,
    args,
    ports: [{ name: 'mongodb', containerPort: MONGOD_PORT }],
    resources: stack.spec.mongodb.resources ?? defaultResources,
    securityContext: locked,
    volumeMounts: [
      { name: 'data', mountPath: '/data' },
      { name: 'gate', mountPath: '/gate' },
      { name: 'tmp', mountPath: '/tmp' },
      { name: 'keyfile', mountPath: '/etc/mongodb/keyfile', readOnly: true },
    ],
  };
}
