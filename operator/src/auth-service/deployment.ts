import { authContract } from '@authstack/auth-service/api';
import type { AuthStack } from '../api/auth-stack.ts';
import { durationMillis } from '../api/duration.ts';
import { databaseUriOf, labelsOf, namesOf, ownedBy, selectorOf } from '../api/names.ts';
import type { KubernetesObject } from '../runtime/objects.ts';
import type { AuthImages } from './types.ts';

/** On the Deployment: the Secret of the first admin that its pods mount. */
export const INITIAL_ADMIN_ANNOTATION = 'authstack.dev/initial-admin';
export const PUBLIC_PORT = 8080;

/** How long a new pod may take before Kubernetes calls the roll-out stuck. */
const PROGRESS_DEADLINE_SECONDS = 180;
/** The Service needs this long to forget a pod that ends; requests are served meanwhile. */
const DRAIN_SECONDS = 5;
const ROOT = '/etc/authstack';
/** The user of the image. */
const USER = 65532;

export interface DeploymentOptions {
  readonly images: AuthImages;
  readonly mountsInitialAdmin: boolean;
}

/**
 * The auth service. Nothing in its pods changes with the content of a Secret: the service reads its files again by
 * itself, so a rotation restarts nothing.
 */
export function authDeployment(stack: AuthStack, options: DeploymentOptions): KubernetesObject {
  const { auth } = stack.spec;
  const labels = labelsOf(stack, 'auth');
  const admin = options.mountsInitialAdmin ? auth.initialAdmin?.secretRef.name : undefined;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: namesOf(stack.metadata.name).auth,
      namespace: stack.metadata.namespace ?? '',
      labels,
      ...(admin !== undefined && { annotations: { [INITIAL_ADMIN_ANNOTATION]: admin } }),
      ownerReferences: ownedBy(stack),
    },
    spec: {
      replicas: auth.replicas,
      revisionHistoryLimit: 3,
      progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: selectorOf(stack, 'auth') },
      template: { metadata: { labels }, spec: podSpec(stack, { ...options, ...(admin !== undefined && { admin }) }) },
    },
  } as KubernetesObject;
}

interface PodOptions {
  readonly images: AuthImages;
  readonly admin?: string;
}

function podSpec(stack: AuthStack, { images, admin }: PodOptions): object {
  const names = namesOf(stack.metadata.name);
  const uri = databaseUriOf(stack);
  const secret = (name: string, secretName: string): object => ({
    name,
    secret: { secretName, defaultMode: 0o440, ...(name === 'initial-admin' && { optional: true }) },
  });
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: DRAIN_SECONDS + 25,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: selectorOf(stack, 'auth') },
      },
    ],
    containers: [container(stack, { images, ...(admin !== undefined && { admin }) })],
    volumes: [
      secret('signing-keys', names.signingKeys),
      secret('secrets', names.authSecrets),
      {
        name: 'mongodb',
        secret: { secretName: uri.secretName, defaultMode: 0o440, items: [{ key: uri.key, path: 'uri' }] },
      },
      ...(admin === undefined ? [] : [secret('initial-admin', admin)]),
      { name: 'tmp', emptyDir: { sizeLimit: '16Mi' } },
    ],
  };
}

function container(stack: AuthStack, { images, admin }: PodOptions): object {
  const { auth } = stack.spec;
  const mount = (name: string): object => ({ name, mountPath: `${ROOT}/${name}`, readOnly: true });
  const probe = (path: string): object => ({ httpGet: { path, port: 'probes' } });
  return {
    name: 'auth',
    image: auth.image ?? images.auth,
    imagePullPolicy: images.pullPolicy,
    env: Object.entries(environment(stack, admin !== undefined)).map(([name, value]) => ({ name, value })),
    ports: [
      { name: 'http', containerPort: PUBLIC_PORT, protocol: 'TCP' },
      { name: 'probes', containerPort: authContract.probePort, protocol: 'TCP' },
    ],
    readinessProbe: { ...probe('/readyz'), periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2 },
    livenessProbe: { ...probe('/healthz'), initialDelaySeconds: 10, periodSeconds: 10, timeoutSeconds: 5 },
    resources: auth.resources ?? { requests: { cpu: '100m', memory: '160Mi' }, limits: { memory: '512Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      mount('signing-keys'),
      mount('secrets'),
      mount('mongodb'),
      ...(admin === undefined ? [] : [mount('initial-admin')]),
      { name: 'tmp', mountPath: '/tmp' },
    ],
  };
}

function environment({ spec }: AuthStack, hasAdmin: boolean): Record<string, string> {
  const { auth, signingKeys, publicURL } = spec;
  const seconds = (duration: string): string => String(durationMillis(duration) / 1000);
  return {
    AUTHSTACK_ISSUER: publicURL,
    AUTHSTACK_AUDIENCES: auth.audience.join(','),
    AUTHSTACK_ACCESS_TOKEN_TTL_SECONDS: seconds(auth.accessTokenTTL),
    AUTHSTACK_SESSION_TTL_SECONDS: seconds(auth.sessionTTL),
    AUTHSTACK_SESSION_IDLE_TTL_SECONDS: seconds(auth.sessionIdleTTL),
    AUTHSTACK_INLINE_REFRESH: String(auth.inlineRefresh),
    AUTHSTACK_TRUSTED_PROXIES: auth.trustedProxies.join(','),
    AUTHSTACK_JWKS_MAX_AGE_SECONDS: seconds(signingKeys.propagation.jwksMaxAge),
    AUTHSTACK_CLOCK_SKEW_SECONDS: seconds(signingKeys.propagation.clockSkew),
    AUTHSTACK_PASSWORD_MIN_LENGTH: String(auth.password.minLength),
    AUTHSTACK_SIGNING_KEYS_FILE: `${ROOT}/signing-keys/ring.json`,
    AUTHSTACK_SECRETS_FILE: `${ROOT}/secrets/secrets.json`,
    AUTHSTACK_MONGODB_URI_FILE: `${ROOT}/mongodb/uri`,
    AUTHSTACK_SIGN_IN_DIR: '/app/sign-in',
    AUTHSTACK_DRAIN_SECONDS: String(DRAIN_SECONDS),
    ...(hasAdmin && { AUTHSTACK_INITIAL_ADMIN_DIR: `${ROOT}/initial-admin` }),
  };
}
