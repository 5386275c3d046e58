import { createHash } from 'node:crypto';
import { agentContract } from '@authstack/mongodb-agent/api';
import { gateContainer, preStopCommand } from '@authstack/mongodb-agent/gate-script';
import type { AuthStack } from '../../api/auth-stack.ts';
import { labelsOf, namesOf, selectorOf } from '../../api/names.ts';
import type { Pod, StatefulSet } from '../../runtime/core-kinds.ts';
import { canonical } from '../../runtime/json.ts';
import { MONGOD_PORT } from '../members/addresses.ts';
import type { MongodbImages, MongodbObservation } from '../members/observation.ts';
import { annotations } from '../members/requests.ts';

/** The container of mongod, which may not have come further than its gate. */
export const MONGOD_CONTAINER = 'mongod';
export const AGENT_CONTAINER = 'agent';

/** The user of MongoDB's own image. */
const USER = 999;
/** Covers the hand-over before TERM, the one at TERM, and a checkpoint. */
const GRACE_SECONDS = 60;
/** Small enough for a laptop, enough for tens of thousands of users; mongod sizes its cache by the limit. */
const defaultResources = { requests: { cpu: '50m', memory: '256Mi' }, limits: { memory: '1Gi' } };

/** On the pod template, and so on each pod: which template it is of. */
const TEMPLATE_ANNOTATION = 'authstack.dev/template';
/** `kubectl rollout restart` sets it on the template: a request to restart every pod. */
const RESTARTED_ANNOTATION = 'kubectl.kubernetes.io/restartedAt';

export type PodTemplate = NonNullable<NonNullable<StatefulSet['spec']>['template']>;

export interface TemplateOptions {
  readonly images: MongodbImages;
  readonly version: string;
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

/**
 * Whether a new pod would be another one: of another template, or from before a requested restart. False while the
 * StatefulSet's controller may still create pods of an older template.
 */
export function isOutdated({ metadata }: Pod, statefulSet: StatefulSet | undefined): boolean {
  const template = currentTemplate(statefulSet);
  const wanted = template && templateIdOf(template);
  if (template === undefined || wanted === undefined) return false;
  const restartedAt = template.metadata?.annotations?.[RESTARTED_ANNOTATION];
  const isFromBefore = restartedAt !== undefined && metadata.annotations?.[RESTARTED_ANNOTATION] !== restartedAt;
  return templateIdOf({ metadata }) !== wanted || isFromBefore;
}

function currentTemplate({ metadata, spec, status }: Partial<StatefulSet> = {}): PodTemplate | undefined {
  const isObserved = metadata?.generation !== undefined && status?.observedGeneration === metadata.generation;
  return isObserved ? spec?.template : undefined;
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
    lifecycle: { preStop: { exec: { command: preStopCommand() } } },
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

export interface MembersTemplate {
  readonly template: PodTemplate;
  /** Id of the template that waits for approval. */
  readonly pending?: string;
}

/**
 * The template of the members' pods. With `updates.policy: OnRequest` the current one stays, whatever an operator of
 * another version or a changed spec would make of it, until the annotation approves the very template that is pending.
 */
export function membersTemplate(seen: MongodbObservation, version: string): MembersTemplate {
  const { stack, images, statefulSet } = seen;
  const template = podTemplate(stack, { images, version });
  const id = templateIdOf(template);
  const current = statefulSet?.spec?.template;
  const isApproved =
    stack.spec.updates.policy === 'Automatic' || stack.metadata.annotations?.[annotations.update] === id;
  if (id === undefined || current === undefined || templateIdOf(current) === id || isApproved) return { template };
  return { template: withoutRestart(current), pending: id };
}

/** The request belongs to whoever made it: applied by us, an older one could overwrite a newer one. */
function withoutRestart({ metadata = {}, ...template }: PodTemplate): PodTemplate {
  const { [RESTARTED_ANNOTATION]: _request, ...annotationsOfOurs } = metadata.annotations ?? {};
  return { ...template, metadata: { ...metadata, annotations: annotationsOfOurs } };
}
