import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { feedApi } from '../../packages/verify/src/feed-api.ts';
import { systemClock, systemRandom } from '../../packages/verify/src/clock.ts';
import { Feed } from '../../packages/verify/src/feed.ts';
import type { FeedPorts } from '../../packages/verify/src/feed.ts';
import { serviceApi } from '../../packages/verify/src/service-api.ts';
import { ServiceClient } from '../../packages/verify/src/service-client.ts';
import { parseTrust, trustFiles } from '../../packages/verify/src/trust.ts';
import type { Trust } from '../../packages/verify/src/trust.ts';
import { quantile } from '../report.ts';
import type { ConnectionsReport, ConnectionsSettings } from './connections.ts';
import { serveProgram, settingsOfProgram } from './program.ts';

/*
 * Very many services at once: the feed of `@authstack/verify` as each of them has it, without the mount that a service has besides.
 * They are clients of the stack by the Secrets of a few AuthConsumers.
 */

type Client = FeedPorts['client'];

const { count, directories, perSecond } = settingsOfProgram() as ConnectionsSettings;
const feeds: Feed[] = [];
const late: number[] = [];
const acknowledged = { taken: 0, failed: 0 };
let isMute = false;

async function trustIn(directory: string): Promise<Trust> {
  const texts = await Promise.all(
    trustFiles.map(
      async (file) => [file, await readFile(join(directory, file), 'utf8').catch(() => undefined)] as const,
    ),
  );
  return parseTrust(Object.fromEntries(texts.filter(([, text]) => text !== undefined)));
}

/** Notes how late heartbeats come, and how acknowledgements end. */
function watched(client: Client): Client {
  return {
    statusFor: (trust) => client.statusFor(trust),
    async send(request, trust) {
      if (request.path !== serviceApi.acknowledgePath) return listenedTo(await client.send(request, trust));
      if (isMute) return Object.assign(Readable.from([]), { statusCode: 204 }) as unknown as IncomingMessage;
      try {
        const answer = await client.send(request, trust);
        acknowledged[answer.statusCode === 204 ? 'taken' : 'failed'] += 1;
        return answer;
      } catch (error) {
        acknowledged.failed += 1;
        throw error;
      }
    },
  };
}

function listenedTo(stream: IncomingMessage): IncomingMessage {
  const chunks = stream[Symbol.asyncIterator].bind(stream);
  let beatAt: number | undefined;
  async function* heard(): AsyncGenerator<Buffer> {
    for await (const chunk of chunks() as AsyncIterable<Buffer>) {
      if (chunk.includes(`event: ${feedApi.events.heartbeat}\n`)) {
        const now = performance.now();
        if (beatAt !== undefined) late.push(Math.max(0, now - beatAt - feedApi.beatEvery));
        beatAt = now;
      }
      yield chunk;
    }
  }
  return Object.assign(stream, { [Symbol.asyncIterator]: heard });
}

async function connectAll(): Promise<void> {
  const services = await Promise.all(
    directories.map(async (directory) => {
      const clock = systemClock;
      const client = new ServiceClient({ ...{ directory, clock }, tokenFile: undefined, refused: console.error });
      return { client: watched(client), trust: await trustIn(directory) };
    }),
  );
  for (let index = 0; index < count; index += 1) {
    const service = services[index % services.length];
    if (!service) throw new RangeError('there is no consumer to be');
    const feed: Feed = new Feed({
      ...{ client: service.client, trust: () => service.trust, clock: systemClock, random: systemRandom },
      ...{ instance: randomUUID(), name: `connection-${index}`, received: () => undefined, away: () => undefined },
      report: (event) => {
        if (event.state !== 'connected') console.log(JSON.stringify({ index, ...event }));
      },
    });
    feeds.push(feed);
    void feed.run();
    await new Promise((resolve) => setTimeout(resolve, 1_000 / perSecond));
  }
}

serveProgram({
  '/ready': () => undefined,
  '/mute': () => {
    isMute = true;
  },
  '/begin': () => {
    late.length = 0;
    Object.assign(acknowledged, { taken: 0, failed: 0 });
  },
  '/report': (): ConnectionsReport => ({
    connected: feeds.filter(({ status }) => status.state === 'connected').length,
    beats: late.length,
    late: { p50: quantile(late, 0.5), p99: quantile(late, 0.99), most: quantile(late, 1) },
    acknowledged,
  }),
});
await connectAll();
