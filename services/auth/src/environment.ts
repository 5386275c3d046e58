import {
  absolutePath,
  logLevel,
  parseEnvironment,
  port,
  seconds,
  wholeNumber,
} from '@authstack/http-service/environment';
import type { Environment } from '@authstack/http-service/environment';
import { z } from 'zod';
import { authContract, variables } from './api.ts';
import type { Millis } from '@authstack/http-service/clock';

export interface Settings {
  /** Scheme, host and port of the stack: the issuer of tokens and the sole allowed origin. */
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly accessTokenTtl: Millis;
  readonly sessionTtl: Millis;
  readonly sessionIdleTtl: Millis;
  readonly inlineRefresh: boolean;
  readonly trustedProxies: readonly string[];
  readonly jwksMaxAge: Millis;
  readonly clockSkew: Millis;
  readonly passwordMinLength: number;
  /** What the sign-in page is told, beside the length of passwords. */
  readonly page: {
    readonly title?: string | undefined;
    /** `#rrggbb`. */
    readonly color?: string | undefined;
    readonly supportUrl?: string | undefined;
  };
  readonly files: {
    readonly signingKeys: string;
    /** None: the keys of the ring are not wrapped. */
    readonly wrappingKeyDirs: readonly string[];
    readonly secrets: string;
    readonly mongodbUri: string;
    readonly signInDir?: string | undefined;
    readonly initialAdminDir?: string | undefined;
    /** Absent: there is no listener for the operator. */
    readonly operatorTlsDir?: string | undefined;
    /** Outlives the container; absent: what the operator told ends with the process. */
    readonly toldDir?: string | undefined;
    /** Absent, or no `operatorTlsDir`: there is no listener for services. */
    readonly clients?: string | undefined;
  };
  readonly ports: {
    readonly public: number;
    readonly ops: number;
    readonly operator: number;
    readonly services: number;
  };
  readonly podName: string;
  readonly drain: Millis;
  readonly logLevel: string;
}

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);
const cidr = z
  .union([z.cidrv4(), z.cidrv6()], { error: 'must be CIDRs such as 10.0.0.0/8' })
  .refine(isNetworkOfProxies, {
    error: ({ input }) =>
      `${String(input)} covers too much of the internet: whoever is in it can name any address as its own; ` +
      'name the networks of your proxies, of at least 8 bits (IPv4) or 7 (IPv6)',
  });

const issuer = z
  .string()
  .refine(isOrigin, 'must be https://host[:port] without a path or trailing slash; http only for localhost');

const schema = z.object({
  [variables.issuer]: issuer,
  [variables.audiences]: list.refine((entries) => entries.length > 0, 'must name at least one audience'),
  [variables.accessTokenTtlSeconds]: seconds({ min: 1 }),
  [variables.sessionTtlSeconds]: seconds({ min: 1 }),
  [variables.sessionIdleTtlSeconds]: seconds({ min: 1 }),
  [variables.inlineRefresh]: z.enum(['true', 'false']).transform((text) => text === 'true'),
  [variables.trustedProxies]: list.pipe(z.array(cidr)).prefault(''),
  [variables.jwksMaxAgeSeconds]: seconds(),
  [variables.clockSkewSeconds]: seconds(),
  [variables.passwordMinLength]: wholeNumber({ min: 8, max: 64 }),
  [variables.signingKeysFile]: absolutePath,
  [variables.wrappingKeyDirs]: list.pipe(z.array(absolutePath)).prefault(''),
  [variables.secretsFile]: absolutePath,
  [variables.mongodbUriFile]: absolutePath,
  [variables.signInDir]: absolutePath.optional(),
  [variables.initialAdminDir]: absolutePath.optional(),
  [variables.operatorTlsDir]: absolutePath.optional(),
  [variables.toldDir]: absolutePath.optional(),
  [variables.clientsFile]: absolutePath.optional(),
  [variables.pageTitle]: z.string().max(60, 'must have at most 60 characters').optional(),
  [variables.pageColor]: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour such as #4f46e5')
    .optional(),
  [variables.pageSupportUrl]: z
    .string()
    .regex(/^(https:|mailto:)/, 'must be an address of https: or mailto:')
    .optional(),
  [variables.port]: port.prefault(String(authContract.publicPort)),
  [variables.probePort]: port.prefault(String(authContract.probePort)),
  [variables.operatorPort]: port.prefault(String(authContract.operatorPort)),
  [variables.servicePort]: port.prefault(String(authContract.servicePort)),
  [variables.podName]: z.string().default(''),
  [variables.drainSeconds]: seconds().prefault('5'),
  [variables.logLevel]: logLevel.default('info'),
});

export function readEnvironment(environment: Environment): Settings {
  const from = parseEnvironment(schema, environment);
  return {
    issuer: from[variables.issuer],
    audiences: from[variables.audiences],
    accessTokenTtl: from[variables.accessTokenTtlSeconds],
    sessionTtl: from[variables.sessionTtlSeconds],
    sessionIdleTtl: from[variables.sessionIdleTtlSeconds],
    inlineRefresh: from[variables.inlineRefresh],
    trustedProxies: from[variables.trustedProxies],
    jwksMaxAge: from[variables.jwksMaxAgeSeconds],
    clockSkew: from[variables.clockSkewSeconds],
    passwordMinLength: from[variables.passwordMinLength],
    page: {
      title: from[variables.pageTitle],
      color: from[variables.pageColor],
      supportUrl: from[variables.pageSupportUrl],
    },
    files: {
      signingKeys: from[variables.signingKeysFile],
      wrappingKeyDirs: from[variables.wrappingKeyDirs],
      secrets: from[variables.secretsFile],
      mongodbUri: from[variables.mongodbUriFile],
      signInDir: from[variables.signInDir],
      initialAdminDir: from[variables.initialAdminDir],
      operatorTlsDir: from[variables.operatorTlsDir],
      toldDir: from[variables.toldDir],
      clients: from[variables.clientsFile],
    },
    ports: {
      public: from[variables.port],
      ops: from[variables.probePort],
      operator: from[variables.operatorPort],
      services: from[variables.servicePort],
    },
    podName: from[variables.podName],
    drain: from[variables.drainSeconds],
    logLevel: from[variables.logLevel],
  };
}

/** As the CRD says, so that no setting passes there and ends the pod here. */
function isNetworkOfProxies(text: string): boolean {
  return Number(text.split('/')[1]) >= (text.includes(':') ? 7 : 8);
}

const localHosts = ['localhost', '127.0.0.1', '[::1]'];

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { origin, protocol, hostname } = new URL(text);
  if (origin !== text) return false;
  return protocol === 'https:' || localHosts.includes(hostname) || hostname.endsWith('.localhost');
}
