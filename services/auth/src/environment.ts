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
import { authContract } from './api.ts';
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
  readonly files: {
    readonly signingKeys: string;
    readonly secrets: string;
    readonly mongodbUri: string;
    readonly signInDir?: string | undefined;
    readonly initialAdminDir?: string | undefined;
  };
  readonly ports: { readonly public: number; readonly ops: number };
  readonly drain: Millis;
  readonly logLevel: string;
}

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
);
const cidr = z.union([z.cidrv4(), z.cidrv6()], { error: 'must be CIDRs such as 10.0.0.0/8' });

const issuer = z
  .string()
  .refine(isOrigin, 'must be https://host[:port] without a path or trailing slash; http only for localhost');

const schema = z.object({
  AUTHSTACK_ISSUER: issuer,
  AUTHSTACK_AUDIENCES: list.refine((entries) => entries.length > 0, 'must name at least one audience'),
  AUTHSTACK_ACCESS_TOKEN_TTL_SECONDS: seconds({ min: 1 }),
  AUTHSTACK_SESSION_TTL_SECONDS: seconds({ min: 1 }),
  AUTHSTACK_SESSION_IDLE_TTL_SECONDS: seconds({ min: 1 }),
  AUTHSTACK_INLINE_REFRESH: z.enum(['true', 'false']).transform((text) => text === 'true'),
  AUTHSTACK_TRUSTED_PROXIES: list.pipe(z.array(cidr)).prefault(''),
  AUTHSTACK_JWKS_MAX_AGE_SECONDS: seconds(),
  AUTHSTACK_CLOCK_SKEW_SECONDS: seconds(),
  AUTHSTACK_PASSWORD_MIN_LENGTH: wholeNumber({ min: 8, max: 64 }),
  AUTHSTACK_SIGNING_KEYS_FILE: absolutePath,
  AUTHSTACK_SECRETS_FILE: absolutePath,
  AUTHSTACK_MONGODB_URI_FILE: absolutePath,
  AUTHSTACK_SIGN_IN_DIR: absolutePath.optional(),
  AUTHSTACK_INITIAL_ADMIN_DIR: absolutePath.optional(),
  AUTHSTACK_PORT: port.prefault('8080'),
  AUTHSTACK_PROBE_PORT: port.prefault(String(authContract.probePort)),
  AUTHSTACK_DRAIN_SECONDS: seconds().prefault('5'),
  AUTHSTACK_LOG_LEVEL: logLevel.default('info'),
});

export function readEnvironment(environment: Environment): Settings {
  const from = parseEnvironment(schema, environment);
  return {
    issuer: from.AUTHSTACK_ISSUER,
    audiences: from.AUTHSTACK_AUDIENCES,
    accessTokenTtl: from.AUTHSTACK_ACCESS_TOKEN_TTL_SECONDS,
    sessionTtl: from.AUTHSTACK_SESSION_TTL_SECONDS,
    sessionIdleTtl: from.AUTHSTACK_SESSION_IDLE_TTL_SECONDS,
    inlineRefresh: from.AUTHSTACK_INLINE_REFRESH,
    trustedProxies: from.AUTHSTACK_TRUSTED_PROXIES,
    jwksMaxAge: from.AUTHSTACK_JWKS_MAX_AGE_SECONDS,
    clockSkew: from.AUTHSTACK_CLOCK_SKEW_SECONDS,
    passwordMinLength: from.AUTHSTACK_PASSWORD_MIN_LENGTH,
    files: {
      signingKeys: from.AUTHSTACK_SIGNING_KEYS_FILE,
      secrets: from.AUTHSTACK_SECRETS_FILE,
      mongodbUri: from.AUTHSTACK_MONGODB_URI_FILE,
      signInDir: from.AUTHSTACK_SIGN_IN_DIR,
      initialAdminDir: from.AUTHSTACK_INITIAL_ADMIN_DIR,
    },
    ports: { public: from.AUTHSTACK_PORT, ops: from.AUTHSTACK_PROBE_PORT },
    drain: from.AUTHSTACK_DRAIN_SECONDS,
    logLevel: from.AUTHSTACK_LOG_LEVEL,
  };
}

const localHosts = ['localhost', '127.0.0.1', '[::1]'];

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { origin, protocol, hostname } = new URL(text);
  if (origin !== text) return false;
  return protocol === 'https:' || localHosts.includes(hostname) || hostname.endsWith('.localhost');
}
