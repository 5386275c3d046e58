import { authContract, files, variables } from '@authstack/auth-service/api';
import type { AuthStack } from '../api/auth-stack.ts';
import { durationMillis } from '../api/duration.ts';
import { IN_SERVICE, SERVING_LABEL, labelsOf, namesOf, selectorOf } from '../api/names.ts';
import type { KubernetesObject } from '../runtime/objects.ts';
import { databaseUriOf } from '../stored/database-uri.ts';
import { objectMeta, PORT_NAMES } from './object-meta.ts';
import type { AuthImages, NotedLifetimes } from './types.ts';

/** On the Deployment: the Secret of the initial admin that its pods mount. */
export const INITIAL_ADMIN_ANNOTATION = 'authstack.dev/initial-admin';
/** Of the pods; pod diagnosis names what sets its image. */
export const AUTH_CONTAINER = 'auth';

/** How long a new pod may take before Kubernetes calls the roll-out stuck. */
const PROGRESS_DEADLINE_SECONDS = 180;
/**
 * The Service needs this long to remove a terminating pod; it serves requests meanwhile, by itself: no preStop hook is needed,
 * and from SIGTERM on each of its answers ends the connection, which during a hook it would not.
 */
const DRAIN_SECONDS = 5;
/** Each mounted Secret is a folder here, by the name of its volume. */
const ROOT = '/etc/authstack';
const TMP = '/tmp';
const URI_FILE = 'uri';
/** Volumes of the owner's Secrets with wrapping keys: two while the ring is still wrapped by another one than the spec's. */
const WRAPPING_KEYS = ['wrapping-keys', 'former-wrapping-keys'] as const;
/** Pods start without these. */
const OPTIONAL: ReadonlySet<string> = new Set(['initial-admin', 'clients', ...WRAPPING_KEYS]);
/** The user of the image. */
const USER = 65532;

export interface DeploymentOptions {
  readonly images: AuthImages;
  readonly mountsInitialAdmin: boolean;
  /** Names of Secrets. */
  readonly wrappingSecrets: readonly string[];
  /** `autoscaled`: somebody else sets them. */
  readonly replicas: number | 'autoscaled';
  /** As stored with the keys; undefined while none is readable. */
  readonly notedLifetimes: NotedLifetimes | undefined;
}

/** The auth service. Nothing in the pod template depends on a Secret's content: the service rereads its files. */
export function authDeployment(stack: AuthStack, options: DeploymentOptions): KubernetesObject {
  const { auth } = stack.spec;
  const admin = options.mountsInitialAdmin ? auth.initialAdmin?.secretRef.name : undefined;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      ...objectMeta(stack),
      ...(admin !== undefined && { annotations: { [INITIAL_ADMIN_ANNOTATION]: admin } }),
    },
    spec: {
      ...(options.replicas !== 'autoscaled' && { replicas: options.replicas }),
      revisionHistoryLimit: 3,
      progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: selectorOf(stack, 'auth') },
      template: {
        // Never in the selector above: it is immutable, and a pod whose label changes would be nobody's.
        metadata: { labels: { ...labelsOf(stack, 'auth'), [SERVING_LABEL]: IN_SERVICE } },
        spec: podSpec(stack, { ...options, ...(admin !== undefined && { admin }) }),
      },
    },
  } as KubernetesObject;
}

interface PodOptions extends Pick<DeploymentOptions, 'images' | 'wrappingSecrets' | 'notedLifetimes'> {
  readonly admin?: string;
}

function podSpec(stack: AuthStack, options: PodOptions): object {
  const { admin, wrappingSecrets } = options;
  const names = namesOf(stack.metadata.name);
  const uri = databaseUriOf(stack);
  const secret = (name: string, secretName: string): object => ({
    name,
    secret: { secretName, defaultMode: 0o440, ...(OPTIONAL.has(name) && { optional: true }) },
  });
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: DRAIN_SECONDS + authContract.finishWithinSeconds,
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
    containers: [container(stack, options)],
    volumes: [
      secret('signing-keys', names.signingKeys),
      secret('secrets', names.authSecrets),
      secret('tls', names.authTls),
      // Whom to let in on the port of services: without it nobody is, and browsers are served all the same.
      secret('clients', names.clients),
      {
        name: 'mongodb',
        secret: { secretName: uri.secretName, defaultMode: 0o440, items: [{ key: uri.key, path: URI_FILE }] },
      },
      ...wrappingVolumes(wrappingSecrets).map(([name, secretName]) => secret(name, secretName)),
      ...(admin === undefined ? [] : [secret('initial-admin', admin)]),
      { name: 'tmp', emptyDir: { sizeLimit: '16Mi' } },
    ],
  };
}

function wrappingVolumes(secrets: readonly string[]): readonly (readonly [volume: string, secretName: string])[] {
  return WRAPPING_KEYS.flatMap((volume, index) => {
    const secretName = secrets[index];
    return secretName === undefined ? [] : [[volume, secretName] as const];
  });
}

function container(stack: AuthStack, options: PodOptions): object {
  const { images, admin, wrappingSecrets } = options;
  const { auth } = stack.spec;
  const wrappingKeys = wrappingVolumes(wrappingSecrets).map(([volume]) => volume);
  const mount = (name: string): object => ({ name, mountPath: `${ROOT}/${name}`, readOnly: true });
  const probe = (path: string): object => ({ httpGet: { path, port: PORT_NAMES.probes } });
  return {
    name: AUTH_CONTAINER,
    image: auth.image ?? images.auth,
    imagePullPolicy: images.pullPolicy,
    env: Object.entries({ ...environment(stack, options), ...wrappingEnvironment(wrappingKeys) }).map(
      ([name, value]) => ({
        name,
        value,
      }),
    ),
    ports: [
      { name: PORT_NAMES.public, containerPort: authContract.publicPort, protocol: 'TCP' },
      { name: PORT_NAMES.services, containerPort: authContract.servicePort, protocol: 'TCP' },
      { name: PORT_NAMES.probes, containerPort: authContract.probePort, protocol: 'TCP' },
      { name: PORT_NAMES.operator, containerPort: authContract.operatorPort, protocol: 'TCP' },
    ],
    readinessProbe: { ...probe(authContract.readyPath), periodSeconds: 2, timeoutSeconds: 2, failureThreshold: 2 },
    livenessProbe: { ...probe(authContract.alivePath), initialDelaySeconds: 10, periodSeconds: 10, timeoutSeconds: 5 },
    resources: auth.resources ?? { requests: { cpu: '100m', memory: '160Mi' }, limits: { memory: '512Mi' } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      mount('signing-keys'),
      mount('secrets'),
      mount('tls'),
      mount('clients'),
      mount('mongodb'),
      ...wrappingKeys.map(mount),
      ...(admin === undefined ? [] : [mount('initial-admin')]),
      { name: 'tmp', mountPath: TMP },
    ],
  };
}

type Environment = Readonly<Record<string, string>>;

function environment({ spec }: AuthStack, { admin, notedLifetimes }: PodOptions): Environment {
  const { auth, signingKeys, publicURL } = spec;
  const seconds = (duration: string): string => String(durationMillis(duration) / 1000);
  // A key stays published as long as the lifetime that is stored with it says, so a longer one is stored before a pod uses it.
  const noted = (duration: string, lifetime: keyof NotedLifetimes): string =>
    String(Math.min(durationMillis(duration), notedLifetimes?.[lifetime] ?? Infinity) / 1000);
  return {
    [variables.issuer]: publicURL,
    [variables.audiences]: auth.audience.join(','),
    [variables.accessTokenTtlSeconds]: noted(auth.accessTokenTTL, 'accessTokenTtl'),
    [variables.sessionTtlSeconds]: seconds(auth.sessionTTL),
    [variables.sessionIdleTtlSeconds]: seconds(auth.sessionIdleTTL),
    [variables.inlineRefresh]: String(auth.inlineRefresh),
    [variables.trustedProxies]: auth.trustedProxies.join(','),
    [variables.jwksMaxAgeSeconds]: noted(signingKeys.propagation.jwksMaxAge, 'jwksMaxAge'),
    [variables.clockSkewSeconds]: seconds(signingKeys.propagation.clockSkew),
    [variables.passwordMinLength]: String(auth.password.minLength),
    [variables.signingKeysFile]: `${ROOT}/signing-keys/${files.keyRing}`,
    [variables.secretsFile]: `${ROOT}/secrets/${files.secrets}`,
    [variables.mongodbUriFile]: `${ROOT}/mongodb/${URI_FILE}`,
    [variables.operatorTlsDir]: `${ROOT}/tls`,
    [variables.clientsFile]: `${ROOT}/clients/${files.clients}`,
    // An emptyDir: it stays when a container starts again, and goes with the pod.
    [variables.toldDir]: TMP,
    [variables.servicePort]: String(authContract.servicePort),
    [variables.signInDir]: authContract.signInDir,
    [variables.drainSeconds]: String(DRAIN_SECONDS),
    ...pageEnvironment(auth.page),
    ...(admin !== undefined && { [variables.initialAdminDir]: `${ROOT}/initial-admin` }),
  };
}

function wrappingEnvironment(volumes: readonly string[]): Environment {
  if (volumes.length === 0) return {};
  return { [variables.wrappingKeyDirs]: volumes.map((volume) => `${ROOT}/${volume}`).join(',') };
}

/** Only what is set, so that stacks without it keep the pods they have. */
function pageEnvironment({
  title,
  color,
  supportURL,
}: NonNullable<AuthStack['spec']['auth']['page']> = {}): Environment {
  return {
    ...(title !== undefined && { [variables.pageTitle]: title }),
    ...(color !== undefined && { [variables.pageColor]: color }),
    ...(supportURL !== undefined && { [variables.pageSupportUrl]: supportURL }),
  };
}
