import { once } from 'node:events';
import { feedApi } from '@authstack/verify/feed-api';
import type { FeedHeartbeat, FeedKeys, FeedSnapshot } from '@authstack/verify/feed-api';
import { pause } from '@authstack/http-service/clock';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { messageOf } from '@authstack/http-service/errors';
import type { Logger } from 'pino';
import { NotReady } from '../errors.ts';
import type { LoadedKeys } from '../keys/loaded-keys.ts';
import { DatabaseUnavailable } from '../mongo/database-unavailable.ts';
import { EventStreams } from './event-streams.ts';
import type { Sink, Subscriber } from './event-streams.ts';
import { LatestPosition } from './feed-position.ts';
import type { FeedPositionStore } from './feed-position.ts';
import { COMMENT, encodeEvent } from './server-sent-event.ts';
import type { EndReason } from './stream-limits.ts';

export interface FeedPorts {
  readonly position: FeedPositionStore;
  readonly keys: Pick<LoadedKeys, 'current' | 'report' | 'onChange'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** How long the pod is still served after it has begun to stop. */
  readonly drain: Millis;
  readonly ended: (reason: EndReason) => void;
}

interface Repeated {
  readonly over: AbortSignal;
  readonly step: () => Promise<void> | void;
}

/** More often than there are heartbeats, so that what each says is of a moment before. */
const READ_EVERY: Millis = 1_000;

/**
 * What changes for those who verify tokens, to each that is connected:
 * ```
 * connect ─▸ snapshot ─▸ keys-changed, whenever the keys of this pod change ─▸ …
 *                     └▸ every 2 s a heartbeat; while the database does not answer a comment
 * ```
 * Keys are those of this pod's memory, so a stolen key is taken away whether there is a database or not.
 */
export class Feed {
  private readonly ports: FeedPorts;
  private readonly streams: EventStreams;
  private readonly latest: LatestPosition = new LatestPosition();
  private problem: string | undefined;

  constructor(ports: FeedPorts) {
    this.ports = ports;
    this.streams = new EventStreams(ports);
    ports.keys.onChange(() => {
      const keys = this.keys();
      if (keys) this.streams.send(this.event(feedApi.events.keysChanged, keys));
    });
  }

  get connections(): number {
    return this.streams.size;
  }

  /**
   * Answers what is to be called when the client has gone.
   *
   * @throws NotReady, TooManyStreams
   */
  open(subscriber: Subscriber, sink: Sink): () => void {
    const snapshot = this.snapshot();
    if (!snapshot) throw new NotReady('the signing keys are');
    return this.streams.open(subscriber, sink, this.event(feedApi.events.snapshot, snapshot));
  }

  /**
   * Ends the streams of clients that have no credential any more, at once; those whose credential may be another one come again and
   * show it.
   */
  keepOnly(credentialOf: (client: string) => string | undefined): void {
    this.streams.endWhere(({ client }) => credentialOf(client) === undefined, 'client_refused');
    this.streams.endWhere(({ client, credential }) => credentialOf(client) !== credential, 'credential_changed');
  }

  /**
   * Until the end of the drain: by then nobody is sent to this pod any more, so those whose streams end come to another.
   */
  async run(stopping: AbortSignal): Promise<void> {
    const { clock, drain } = this.ports;
    const over = new AbortController();
    const loops = [
      this.repeating(READ_EVERY, { over: over.signal, step: () => this.read() }),
      this.repeating(feedApi.beatEvery, {
        over: over.signal,
        step: () => {
          this.beat();
        },
      }),
    ];
    if (!stopping.aborted) await once(stopping, 'abort');
    await pause(clock, drain);
    over.abort();
    this.streams.endWhere(() => true, 'draining');
    await Promise.all(loops);
  }

  private async repeating(every: Millis, { over, step }: Repeated): Promise<void> {
    while (!over.aborted) {
      await step();
      await pause(this.ports.clock, every, over);
    }
  }

  private async read(): Promise<void> {
    const { position, clock, log } = this.ports;
    const askedAt = clock.monotonic();
    try {
      const { hasNewEpoch } = this.latest.note(await position.read(), askedAt);
      this.problem = undefined;
      const snapshot = this.snapshot();
      if (hasNewEpoch && snapshot) this.streams.send(this.event(feedApi.events.snapshot, snapshot));
    } catch (error) {
      const reason = messageOf(error);
      // That the database is away, others tell.
      if (!(error instanceof DatabaseUnavailable) && reason !== this.problem) {
        log.error({ err: error }, 'the position of the feed cannot be read; no heartbeats');
      }
      this.problem = reason;
    }
  }

  private beat(): void {
    const asOf = this.latest.asOf(this.ports.clock.monotonic());
    this.streams.send(asOf === undefined ? COMMENT : this.event(feedApi.events.heartbeat, { asOf }));
  }

  private snapshot(): FeedSnapshot | undefined {
    const keys = this.keys();
    const asOf = this.latest.asOf(this.ports.clock.monotonic());
    return keys && { ...(asOf !== undefined && { asOf }), ...keys };
  }

  private keys(): FeedKeys | undefined {
    const inUse = this.ports.keys.current();
    if (!inUse) return undefined;
    const { signingKid, revokedKids, secretVersion: version } = this.ports.keys.report();
    return { keys: inUse.jwks.keys, ...(signingKid !== undefined && { signingKid }), revokedKids, version };
  }

  private event(type: string, data: FeedSnapshot | FeedHeartbeat): string {
    return encodeEvent({ type, id: this.latest.eventId, data });
  }
}
