import { stdTimeFunctions } from 'pino';
import type { LoggerOptions } from 'pino';

const secret = [
  'password',
  'authorization',
  'cookie',
  'set-cookie',
  'token',
  'session_token',
  'access_token',
  'uri',
  'privateJwk',
];

/** Nothing that should not be is logged anyway; this is the net below. */
export function logOptions(level: string): LoggerOptions {
  const paths = secret.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);
  return {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths, censor: '[redacted]' },
  };
}
