import { absolutePath, logLevel, parseEnvironment, port, seconds } from '@authstack/http-service/environment';
import type { Environment } from '@authstack/http-service/environment';
import { z } from 'zod';
import type { Millis } from '@authstack/http-service/clock';

export interface Settings {
  /** Where the Secret of the AuthConsumer is mounted. */
  readonly authDir: string;
  readonly database: string;
  /** The built page of the shop; without it none is served. */
  readonly shopDir: string | undefined;
  /** How far the clocks of two nodes may differ, if less than the Secret says. */
  readonly clockSkew: Millis | undefined;
  /** Whether the auth service may tell of new and revoked keys at once; else they come by the mount alone. */
  readonly feed: boolean;
  readonly ports: { readonly public: number; readonly ops: number };
  readonly drain: Millis;
  readonly logLevel: string;
}

const schema = z.object({
  ORDERS_AUTH_DIR: absolutePath,
  ORDERS_DATABASE: absolutePath,
  ORDERS_SHOP_DIR: absolutePath.optional(),
  ORDERS_CLOCK_SKEW_SECONDS: seconds({ max: 600 }).optional(),
  ORDERS_FEED: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .prefault('true'),
  // Not ORDERS_PORT: Kubernetes sets that in pods beside a Service of the name orders.
  ORDERS_HTTP_PORT: port.prefault('8080'),
  ORDERS_PROBE_PORT: port.prefault('9090'),
  ORDERS_DRAIN_SECONDS: seconds({ max: 600 }).prefault('5'),
  ORDERS_LOG_LEVEL: logLevel.default('info'),
});

export function readEnvironment(environment: Environment): Settings {
  const from = parseEnvironment(schema, environment);
  return {
    authDir: from.ORDERS_AUTH_DIR,
    database: from.ORDERS_DATABASE,
    shopDir: from.ORDERS_SHOP_DIR,
    clockSkew: from.ORDERS_CLOCK_SKEW_SECONDS,
    feed: from.ORDERS_FEED,
    ports: { public: from.ORDERS_HTTP_PORT, ops: from.ORDERS_PROBE_PORT },
    drain: from.ORDERS_DRAIN_SECONDS,
    logLevel: from.ORDERS_LOG_LEVEL,
  };
}
