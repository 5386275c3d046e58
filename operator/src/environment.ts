import { z } from 'zod';
import { LEASE } from './runtime/leader-election.ts';
import type { Millis } from './runtime/objects.ts';

export interface StackImages {
  readonly auth: string;
  readonly agent: string;
  /** Version → image. */
  readonly mongodb: Readonly<Record<string, string>>;
  readonly defaultVersion: string;
  readonly pullPolicy: string;
}

export interface Settings {
  /** None: all. */
  readonly namespaces: readonly string[];
  readonly images: StackImages;
  /** Of this process: its pod. */
  readonly identity: string;
  /** Absent: this process is alone. */
  readonly leaderElection?: { readonly namespace: string; readonly name: string; readonly lease: Millis };
  readonly probePort: number;
  readonly logLevel: string;
}

export class EnvironmentInvalid extends Error {
  override readonly name: string = 'EnvironmentInvalid';
  readonly code: string = 'ENVIRONMENT_INVALID';
}

const image = z.string('is not set').regex(/^[a-zA-Z0-9][a-zA-Z0-9._/:@-]*$/, 'is not the name of an image');

const versionsToImages = z
  .string('is not set')
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'is not JSON' });
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string(), image, 'is not an object of version → image'));

const schema = z.object({
  AUTHSTACK_NAMESPACES: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()])))
    .pipe(z.array(z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'is not a list of namespaces'))),
  AUTHSTACK_AUTH_IMAGE: image,
  AUTHSTACK_AGENT_IMAGE: image,
  AUTHSTACK_MONGODB_IMAGES: versionsToImages,
  AUTHSTACK_MONGODB_DEFAULT_VERSION: z.string('is not set'),
  AUTHSTACK_IMAGE_PULL_POLICY: z
    .enum(['Always', 'IfNotPresent', 'Never'], 'is not Always, IfNotPresent or Never')
    .default('IfNotPresent'),
  AUTHSTACK_LEASE: z.string().default(''),
  AUTHSTACK_LEASE_SECONDS: z.coerce
    .number('is not a number of seconds')
    .int()
    .min(9)
    .max(60)
    .default(LEASE / 1000),
  AUTHSTACK_PROBE_PORT: z.coerce.number('is not a port').int().min(0).max(65_535).default(9090),
  AUTHSTACK_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'], 'is not trace, debug, info, warn or error')
    .default('info'),
  POD_NAMESPACE: z.string().default(''),
  POD_NAME: z.string('is not set').min(1, 'is empty'),
});

/** Reads the settings, or names every variable that is wrong. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): Settings {
  const parsed = schema.safeParse(environment);
  if (!parsed.success) {
    throw invalid(parsed.error.issues.map(({ path, message }) => `${String(path[0])} ${message}`));
  }
  const from = parsed.data;
  if (!(from.AUTHSTACK_MONGODB_DEFAULT_VERSION in from.AUTHSTACK_MONGODB_IMAGES)) {
    throw invalid(['AUTHSTACK_MONGODB_DEFAULT_VERSION is no version of AUTHSTACK_MONGODB_IMAGES']);
  }
  if (from.AUTHSTACK_LEASE !== '' && from.POD_NAMESPACE === '') {
    throw invalid(['POD_NAMESPACE is not set, so there is no place for the lease AUTHSTACK_LEASE']);
  }
  return {
    namespaces: from.AUTHSTACK_NAMESPACES,
    images: {
      auth: from.AUTHSTACK_AUTH_IMAGE,
      agent: from.AUTHSTACK_AGENT_IMAGE,
      mongodb: from.AUTHSTACK_MONGODB_IMAGES,
      defaultVersion: from.AUTHSTACK_MONGODB_DEFAULT_VERSION,
      pullPolicy: from.AUTHSTACK_IMAGE_PULL_POLICY,
    },
    identity: from.POD_NAME,
    ...(from.AUTHSTACK_LEASE !== '' && {
      leaderElection: {
        namespace: from.POD_NAMESPACE,
        name: from.AUTHSTACK_LEASE,
        lease: from.AUTHSTACK_LEASE_SECONDS * 1000,
      },
    }),
    probePort: from.AUTHSTACK_PROBE_PORT,
    logLevel: from.AUTHSTACK_LOG_LEVEL,
  };
}

function invalid(complaints: readonly string[]): EnvironmentInvalid {
  return new EnvironmentInvalid(`read the environment:\n  ${complaints.join('\n  ')}`);
}
