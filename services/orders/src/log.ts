import type { VerifierEvent } from '@authstack/verify';
import { stdTimeFunctions } from 'pino';
import type { Logger, LoggerOptions } from 'pino';

/** Headers, queries and bodies are never logged: they hold tokens. */
export function logOptions(level: string): LoggerOptions {
  return {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: {
      paths: ['authorization', 'cookie', 'token', '*.authorization', '*.cookie', '*.token'],
      censor: '[redacted]',
    },
  };
}

/** Refusals are counted, not logged: anybody can cause as many as they like. */
export function logEvent(log: Logger, event: VerifierEvent): void {
  switch (event.type) {
    case 'loaded':
      log.info({ issuer: event.issuer, kids: event.kids }, 'keys loaded');
      return;
    case 'notLoaded':
      log.error({ reason: event.reason, keptKids: event.keptKids }, 'mounted Secret not usable');
      return;
    case 'refresh':
      if (event.outcome === 'unavailable') log.warn({ reason: event.reason }, 'the auth service cannot renew tokens');
      return;
    case 'refused':
      return;
  }
}
