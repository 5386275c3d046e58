import type { IncomingMessage } from 'node:http';
import { Alarm } from './alarm.ts';
import { bodyOf } from './body.ts';
import type { Clock, Millis } from './clock.ts';
import { EventStreamParser } from './event-stream.ts';
import { feedApi } from './feed-api.ts';
import { readKeys } from './feed-messages.ts';
import { KeptConnection } from './kept-connection.ts';
import type { FedKeys } from './keys-in-force.ts';
import { delayAfter, STEADY_AFTER } from './reconnect.ts';
import { serviceApi } from './service-api.ts';
import type { ServiceClient } from './service-client.ts';
import type { Trust } from './trust.ts';

export type FeedStatus =
  /** Keys come by the mount alone. */
  | { readonly state: 'off'; readonly reason: string }
  /** `reason`: why there is no stream yet, or none any more. */
  | { readonly state: 'connecting'; readonly reason: string }
  /** `unacknowledged`: why the auth service was not told which keys are in force here. */
  | { readonly state: 'connected'; readonly unacknowledged?: string };

/** The auth service tells of changes at once from now on, or does not any more and why; once for each reason. */
export type FeedEvent =
  | { readonly type: 'feed'; readonly state: 'connected' }
  | { readonly type: 'feed'; readonly state: 'disconnected' | 'off'; readonly reason: string };

export interface FeedPorts {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly client: Pick<ServiceClient, 'send' | 'statusFor'>;
  /** Whose feed; undefined: nothing is mounted yet. */
  readonly trust: () => Trust | undefined;
  /** This verifier, for as long as it lives. */
  readonly instance: string;
  /** Of its pod or machine, for people. */
  readonly name: string;
  readonly received: (keys: FedKeys) => void;
  readonly away: () => void;
  readonly report: (event: FeedEvent) => void;
}

interface Saying {
  readonly trust: Trust;
  readonly within: Millis;
  readonly ending?: AbortSignal;
}

interface Ended {
  readonly reason: string;
  readonly livedFor: Millis;
  /** By the auth service, in order. */
  readonly isClean: boolean;
}

/** Something comes every 2 s. */
const SILENT_AT_MOST: Millis = 10_000;
/** What is missing may be mounted later. */
const LOOK_AGAIN: Millis = 5_000;
const ANSWERED_WITHIN: Millis = 4_000;
/** Of a goodbye, while its process may wait for that to end. */
const LEAVES_WITHIN: Millis = 2_000;
/** Of what is answered, which nobody reads; with more than that the connection ends. */
const MAX_ANSWER_BYTES = 16_384;

/**
 * The feed of the auth service: a connection that is made again whenever it ends, and what is said back over another, which lasts
 * no longer than the stream.
 * ```
 * off ──a credential is there──▸ connecting ──snapshot──▸ connected ─▸ acknowledge, at each change and every 5 s
 *                                    ▴ back-off                └─ it ends, or nothing comes for 10 s ─┐
 *                                    └─────────────────────────────────────────────────────────────────┘
 * ```
 */
export class Feed {
  private readonly ports: FeedPorts;
  private readonly retry: Alarm;
  private readonly acknowledgeNow: Alarm;
  private readonly closing: AbortController = new AbortController();
  private readonly saidOver: KeptConnection = new KeptConnection();
  private stream: AbortController | undefined;
  private current: FeedStatus = { state: 'connecting', reason: 'not asked yet' };
  private reported = '';
  /** The auth service may know it, as one to wait for. */
  private isKnown = false;
  /** Of the last event that was read. */
  private eventId: string | undefined;

  constructor(ports: FeedPorts) {
    this.ports = ports;
    this.retry = new Alarm(ports.clock);
    this.acknowledgeNow = new Alarm(ports.clock);
  }

  get status(): FeedStatus {
    return this.current;
  }

  /** Until it is closed. */
  async run(): Promise<void> {
    let failures = 0;
    while (!isOver(this.closing)) {
      const trust = this.ports.trust();
      const missing = trust ? this.missing(trust) : 'the Secret is not mounted yet';
      if (!trust || missing !== undefined) {
        this.turn({ state: 'off', reason: missing ?? '' });
        await this.retry.wait(LOOK_AGAIN);
        continue;
      }
      // What has been mounted so far is seen to.
      this.retry.reset();
      const { reason, livedFor, isClean } = await this.follow(trust);
      if (isOver(this.closing)) return;
      failures = livedFor >= STEADY_AFTER ? 0 : failures + 1;
      this.turn({ state: 'connecting', reason }, { isToldOf: !isClean || failures > 0 });
      await this.retry.wait(delayAfter(failures, this.ports.random()));
    }
  }

  /** Other keys are in force. */
  keysChanged(): void {
    this.acknowledgeNow.ring();
  }

  /** Who answers, or what is shown to it, has changed. */
  reconnect(): void {
    this.stream?.abort(new Error('what is mounted has changed'));
    this.retry.ring();
  }

  /** What was missing may be there now. */
  lookAgain(): void {
    if (this.current.state !== 'connected') this.retry.ring();
  }

  /**
   * Leaves, and tells the auth service so, which else would wait for it to come back. Resolves once that was taken, or could not be
   * within 2 s; what is not taken is a lost connection.
   */
  async close(): Promise<void> {
    if (isOver(this.closing)) return;
    this.closing.abort(new Error('the verifier is closed'));
    this.retry.ring();
    this.acknowledgeNow.ring();
    const trust = this.ports.trust();
    if (this.isKnown && trust) {
      const { instance } = this.ports;
      await this.say(serviceApi.goodbyePath, { instance }, { trust, within: LEAVES_WITHIN }).catch(() => undefined);
    }
    this.saidOver.close();
  }

  private missing(trust: Trust): string | undefined {
    const status = this.ports.client.statusFor(trust);
    return status.by === 'nothing' ? status.reason : undefined;
  }

  /** One stream, from the attempt to connect to its end. */
  private async follow(trust: Trust): Promise<Ended> {
    const { clock, away } = this.ports;
    // The next one may lead to a pod that has come since.
    this.saidOver.close();
    const stream = new AbortController();
    this.stream = stream;
    const signal = AbortSignal.any([stream.signal, this.closing.signal]);
    const silence = new Silence(clock, () => {
      stream.abort(new Error(`nothing came for ${SILENT_AT_MOST / 1000} s`));
    });
    let connectedAt: Millis | undefined;
    const ended = (reason: string, isClean: boolean): Ended => ({
      reason,
      isClean,
      livedFor: connectedAt === undefined ? 0 : clock.now() - connectedAt,
    });
    try {
      const response = await this.open(trust, signal);
      await this.read(response, {
        came: () => {
          silence.begin();
        },
        connected: () => {
          connectedAt = clock.now();
          void this.keepAcknowledging(trust, signal);
        },
      });
      return ended('the auth service ended the stream', true);
    } catch (error) {
      const cause: unknown = signal.aborted ? signal.reason : error;
      return ended(cause instanceof Error ? cause.message : String(cause), false);
    } finally {
      silence.end();
      stream.abort();
      this.acknowledgeNow.ring();
      away();
    }
  }

  private async open(trust: Trust, signal: AbortSignal): Promise<IncomingMessage> {
    const { client, instance } = this.ports;
    const headers = {
      accept: 'text/event-stream',
      [feedApi.instanceHeader]: instance,
      ...(this.eventId !== undefined && { 'last-event-id': this.eventId }),
    };
    const response = await client.send({ method: 'GET', path: serviceApi.eventsPath, headers, signal }, trust);
    const { statusCode = 0, headers: answered } = response;
    if (statusCode !== 200 || answered['content-type']?.startsWith('text/event-stream') !== true) {
      throw new Error(`the auth service answers ${statusCode} instead of events`);
    }
    // A verifier alone never keeps a process alive.
    response.socket.unref();
    return response;
  }

  private async read(
    response: IncomingMessage,
    { came, connected }: { readonly came: () => void; readonly connected: () => void },
  ): Promise<void> {
    const parser = new EventStreamParser();
    let isConnected = false;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      came();
      for (const event of parser.push(chunk)) {
        this.eventId = headerText(event.id) ?? this.eventId;
        const keys = readKeys(event);
        if (!keys) continue;
        this.ports.received(keys);
        if (isConnected) continue;
        isConnected = true;
        this.turn({ state: 'connected' });
        connected();
      }
    }
  }

  private async keepAcknowledging(trust: Trust, signal: AbortSignal): Promise<void> {
    while (!isOver({ signal })) {
      // Whatever has happened so far is part of this one.
      this.acknowledgeNow.reset();
      const problem = await this.acknowledge(trust, signal).catch((error: unknown) =>
        error instanceof Error ? error.message : String(error),
      );
      if (this.isConnected(signal)) {
        this.current = { state: 'connected', ...(problem !== undefined && { unacknowledged: problem }) };
      }
      if (!isOver({ signal })) await this.acknowledgeNow.wait(feedApi.acknowledgeEvery);
    }
  }

  private isConnected(signal: AbortSignal): boolean {
    return !signal.aborted && this.current.state === 'connected';
  }

  /** Why it was not taken. */
  private acknowledge(trust: Trust, ending: AbortSignal): Promise<string | undefined> {
    const { instance, name } = this.ports;
    const kids = [...(this.ports.trust()?.keys.keys() ?? [])];
    this.isKnown = true;
    return this.say(serviceApi.acknowledgePath, { instance, name, kids }, { trust, within: ANSWERED_WITHIN, ending });
  }

  /** Why it was not taken. */
  private async say(path: string, body: object, { trust, within, ending }: Saying): Promise<string | undefined> {
    const { client, clock } = this.ports;
    const late = new AbortController();
    const cancel = clock.after(within, () => {
      late.abort(new Error('the auth service does not answer'));
    });
    const signal = ending ? AbortSignal.any([ending, late.signal]) : late.signal;
    try {
      const response = await client.send({ method: 'POST', path, body, signal, over: this.saidOver }, trust);
      await bodyOf(response, MAX_ANSWER_BYTES).catch(() => undefined);
      return response.statusCode === 204 ? undefined : `the auth service answers ${response.statusCode ?? 0}`;
    } finally {
      cancel();
    }
  }

  private turn(status: FeedStatus, { isToldOf = true } = {}): void {
    this.current = status;
    const told = JSON.stringify(status);
    if (!isToldOf || told === this.reported) return;
    this.reported = told;
    if (status.state === 'connected') this.ports.report({ type: 'feed', state: 'connected' });
    else {
      const state = status.state === 'off' ? 'off' : 'disconnected';
      this.ports.report({ type: 'feed', state, reason: status.reason });
    }
  }
}

/** Undefined for what no header can carry, or no id of ours has. */
function headerText(id: string | undefined): string | undefined {
  return id !== undefined && /^[\x21-\x7e]{1,256}$/.test(id) ? id : undefined;
}

/** Asked anew each time: it may have ended during a wait. */
function isOver({ signal }: Pick<AbortController, 'signal'>): boolean {
  return signal.aborted;
}

/** Ends what is silent for too long; a silence begins with it. */
class Silence {
  private readonly clock: Clock;
  private readonly tooLong: () => void;
  private cancel: () => void = () => undefined;

  constructor(clock: Clock, tooLong: () => void) {
    this.clock = clock;
    this.tooLong = tooLong;
    this.begin();
  }

  begin(): void {
    this.cancel();
    this.cancel = this.clock.after(SILENT_AT_MOST, this.tooLong);
  }

  end(): void {
    this.cancel();
  }
}
