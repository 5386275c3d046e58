import { stdTimeFunctions } from 'pino';
import type { LoggerOptions } from 'pino';

const secret = ['password', 'authorization', 'cookie', 'set-cookie', 'token', 'session_token', 'access_token', 'uri'];

export interface LogSettings {
  readonly logLevel: string;
}

/** Secrets are never handed to the log; `redact` is the net below. */
export function logOptions({ logLevel: level }: LogSettings, alsoSecret: readonly string[] = []): LoggerOptions {
  const paths = [...secret, ...alsoSecret].flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);
  return {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths, censor: '[redacted]' },
  };
}
