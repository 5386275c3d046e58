import { z } from 'zod';
import type { Millis } from './clock.ts';

export interface Settings {
  /** Where the Secret of the AuthConsumer is mounted. */
  readonly authDir: string;
  readonly database: string;
  /** How far the clocks of two nodes may differ. */
  readonly clockSkewSeconds: number;
  readonly ports: { readonly public: number; readonly probes: number };
  readonly drain: Millis;
  readonly logLevel: string;
}

export class EnvironmentInvalid extends Error {
  override readonly name: string = 'EnvironmentInvalid';
}

const path = z.string().startsWith('/', 'must be an absolute path');
const port = z.coerce.number().int().min(0).max(65_535);
const seconds = z.coerce.number().int().min(0).max(600);

const schema = z.object({
  ORDERS_AUTH_DIR: path,
  ORDERS_DATABASE: path,
  ORDERS_CLOCK_SKEW_SECONDS: seconds.default(10),
  // Not ORDERS_PORT: Kubernetes sets that in pods beside a Service of the name orders.
  ORDERS_HTTP_PORT: port.default(8080),
  ORDERS_PROBE_PORT: port.default(9090),
  ORDERS_DRAIN_SECONDS: seconds.default(2),
  ORDERS_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),
});

/** Reads the settings, or tells every variable that is wrong at once. Values are not repeated in the message. */
export function readEnvironment(environment: Readonly<Record<string, string | undefined>>): Settings {
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set, { error: (issue) => (issue.input === undefined ? 'is not set' : undefined) });
  if (!parsed.success) {
    const complaints = parsed.error.issues.map(({ path: [name], message }) => `${String(name)}: ${message}`);
    throw new EnvironmentInvalid(`the environment is not complete:\n  ${complaints.join('\n  ')}`);
  }
  const from = parsed.data;
  return {
    authDir: from.ORDERS_AUTH_DIR,
    database: from.ORDERS_DATABASE,
    clockSkewSeconds: from.ORDERS_CLOCK_SKEW_SECONDS,
    ports: { public: from.ORDERS_HTTP_PORT, probes: from.ORDERS_PROBE_PORT },
    drain: from.ORDERS_DRAIN_SECONDS * 1000,
    logLevel: from.ORDERS_LOG_LEVEL,
  };
}
