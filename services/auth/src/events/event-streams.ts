import type { Clock, Millis } from '@authstack/http-service/clock';
import { TooManyStreams } from './errors.ts';
import { streamLimits, streamsToEnd } from './stream-limits.ts';
import type { EndReason } from './stream-limits.ts';

/** Where the events of one stream go. */
export interface Sink {
  /** Bytes that were written and that the client's side has not taken. */
  readonly backlog: number;
  write(text: string): void;
  /** After what was written has gone. */
  end(): void;
  /** At once. */
  cut(): void;
}

export interface Subscriber {
  /** `<namespace>/<name>` of the AuthConsumer. */
  readonly client: string;
  /** Another text when the client may show another one. */
  readonly credential: string;
  /** The verifier, if it says which it is; it has one stream. */
  readonly instance: string | undefined;
}

interface Stream extends Subscriber {
  readonly sink: Sink;
  readonly endsAt: Millis;
  readonly backlog: number;
  backlogSince: Millis | undefined;
}

export interface EventStreamsPorts {
  readonly clock: Pick<Clock, 'monotonic'>;
  /** From 0 to 1: streams that began together do not end together. */
  readonly random: () => number;
  readonly ended: (reason: EndReason) => void;
}

/** The open streams of this pod. */
export class EventStreams {
  private readonly ports: EventStreamsPorts;
  private readonly streams: Set<Stream> = new Set();

  constructor(ports: EventStreamsPorts) {
    this.ports = ports;
  }

  get size(): number {
    return this.streams.size;
  }

  /**
   * Answers what is to be called when the client has gone.
   *
   * @throws TooManyStreams
   */
  open({ client, credential, instance }: Subscriber, sink: Sink, first: string): () => void {
    const { clock, random } = this.ports;
    const ofClient = [...this.streams].filter(({ client: whose }) => whose === client);
    const earlier = ofClient.find((stream) => instance !== undefined && stream.instance === instance);
    // It comes again because it has lost that one, whatever this side of it looks like.
    if (earlier) this.end(earlier, 'replaced');
    else if (ofClient.length >= streamLimits.perClient) {
      throw new TooManyStreams(`${client} has ${streamLimits.perClient} streams`);
    } else if (this.size >= streamLimits.inAll) throw new TooManyStreams(`${streamLimits.inAll} streams are open`);

    const stream: Stream = {
      client,
      credential,
      instance,
      sink,
      endsAt: clock.monotonic() + streamLimits.age * (1 - random() / 4),
      get backlog() {
        return sink.backlog;
      },
      backlogSince: undefined,
    };
    this.streams.add(stream);
    sink.write(first);
    return () => {
      if (this.streams.delete(stream)) this.ports.ended('client_gone');
    };
  }

  /** To all of them but those that do not read, which end. */
  send(text: string): void {
    // What is written now is in the backlog for a moment whoever reads.
    this.review();
    for (const { sink } of this.streams) sink.write(text);
  }

  endWhere(isMeant: (subscriber: Subscriber) => boolean, reason: EndReason): void {
    for (const stream of this.streams) if (isMeant(stream)) this.end(stream, reason);
  }

  private review(): void {
    const now = this.ports.clock.monotonic();
    for (const stream of this.streams) {
      stream.backlogSince = stream.backlog === 0 ? undefined : (stream.backlogSince ?? now);
    }
    for (const [stream, reason] of streamsToEnd(this.streams, now)) this.end(stream, reason);
  }

  private end(stream: Stream, reason: EndReason): void {
    this.streams.delete(stream);
    // Whoever does not read does not read the end either; and nothing of a refused client's is left to be sent.
    const isClean = reason === 'age' || reason === 'draining' || reason === 'credential_changed';
    if (isClean && stream.backlog === 0) stream.sink.end();
    else stream.sink.cut();
    this.ports.ended(reason);
  }
}
