import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { EventStreamParser } from '../../../../packages/verify/src/event-stream.ts';
import type { StreamEvent } from '../../../../packages/verify/src/event-stream.ts';
import { until } from './world.ts';

export interface ReadEvent extends Omit<StreamEvent, 'data'> {
  readonly data: Readonly<Record<string, unknown>>;
}

/** A client of the feed that reads all that comes. */
export interface EventReader extends AsyncDisposable {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** So far; of a problem none. */
  readonly events: readonly ReadEvent[];
  readonly bytes: number;
  /** `clean`: the whole answer has come. */
  readonly ended: 'clean' | 'broken' | undefined;
  /** The first event after this call that does. */
  next(type: string, fits?: (event: ReadEvent) => boolean): Promise<ReadEvent>;
}

export async function readEvents(url: string, options: https.RequestOptions = {}): Promise<EventReader> {
  const { request } = url.startsWith('https:') ? https : http;
  const sent = request(url, { ...options, agent: false });
  sent.on('error', () => undefined).end();
  const [response] = (await once(sent, 'response')) as [http.IncomingMessage];
  const isStream = response.headers['content-type']?.startsWith('text/event-stream') === true;
  const parser = new EventStreamParser();
  const events: ReadEvent[] = [];
  let bytes = 0;
  let ended: EventReader['ended'];
  response
    .on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (!isStream) return;
      for (const event of parser.push(chunk)) {
        events.push({ ...event, data: JSON.parse(event.data) as ReadEvent['data'] });
      }
    })
    .on('error', () => undefined)
    .once('close', () => {
      ended = response.complete ? 'clean' : 'broken';
    });
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    events,
    get bytes() {
      return bytes;
    },
    get ended() {
      return ended;
    },
    async next(type, fits = () => true) {
      const seen = events.length;
      const found = (): ReadEvent | undefined => events.slice(seen).find((event) => event.type === type && fits(event));
      await until(() => found() !== undefined, `the event ${type} comes`);
      return found() ?? Promise.reject(new Error('what has come is gone'));
    },
    [Symbol.asyncDispose]() {
      sent.destroy();
      return Promise.resolve();
    },
  };
}
