import type { VerifierEvent } from '@authstack/verify';
import type { Logger } from 'pino';

/** Refusals are counted, not logged: anybody can cause any number of them. */
export function logEvent(log: Logger, event: VerifierEvent): void {
  switch (event.type) {
    case 'loaded':
      log.info({ issuer: event.issuer, kids: event.kids, ignoredKeys: event.ignoredKeys }, 'keys loaded');
      return;
    case 'notLoaded':
      log.error({ reason: event.reason, keptKids: event.keptKids }, 'the mounted Secret is unusable');
      return;
    case 'refresh':
      if (event.outcome === 'unavailable') log.warn({ reason: event.reason }, 'the auth service does not renew tokens');
      return;
    case 'clientRefused':
      log.error({ clientId: event.clientId, reason: event.reason }, 'the auth service refuses this service');
      return;
    case 'keysFed':
      log.info({ kids: event.kids, revokedKids: event.revokedKids }, 'keys changed by the feed');
      return;
    case 'feed':
      if (event.state === 'disconnected') {
        log.warn({ reason: event.reason }, 'the feed is away; keys come by the mount');
      } else log.info({ ...event }, 'feed');
      return;
    case 'refused':
      return;
  }
}
