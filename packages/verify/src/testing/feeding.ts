import type { ServerResponse } from 'node:http';
import { feedApi } from '../feed-api.ts';
import { serviceApi } from '../service-api.ts';
import { jwksOf } from './issuer.ts';
import type { SigningKey } from './issuer.ts';
import { serviceListener } from './service-listener.ts';
import type { Asked, ServiceListener } from './service-listener.ts';

/** An auth pod's listener for services that sends what a test likes. */
export interface FeedingListener extends ServiceListener {
  /** Of all that were opened the last one; undefined: none is open. */
  readonly stream: ServerResponse | undefined;
  /** How many were opened so far. */
  readonly streams: number;
  readonly acknowledged: readonly {
    readonly instance: string;
    readonly name: string;
    readonly kids: readonly string[];
  }[];
  /** The instances that have said goodbye. */
  readonly left: readonly string[];
  /** What acknowledgements are answered. */
  acknowledgeStatus: number;
  /** Goodbyes are not answered. */
  isMute: boolean;
  /** What streams begin with; undefined: nothing comes. */
  snapshot: object | undefined;
  /** Answered instead of a stream. */
  refusal: { readonly status: number; readonly detail: string } | undefined;
  send(type: string, data: unknown): void;
}

export function keysOf(version: number, keys: readonly SigningKey[], revokedKids: readonly string[] = []): object {
  return { ...(JSON.parse(jwksOf(...keys)) as object), revokedKids, version };
}

export async function feedingListener(snapshot: object | undefined): Promise<FeedingListener> {
  const acknowledged: FeedingListener['acknowledged'][number][] = [];
  const left: string[] = [];
  let stream: ServerResponse | undefined;
  let streams = 0;

  function send(type: string, data: unknown): void {
    stream?.write(`id: e.0\nevent: ${type}\ndata: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
  }

  function answer(response: ServerResponse, asked: Asked): void {
    if (asked.url === serviceApi.acknowledgePath) {
      acknowledged.push(JSON.parse(asked.body) as FeedingListener['acknowledged'][number]);
      response.writeHead(pod.acknowledgeStatus).end();
      return;
    }
    if (asked.url === serviceApi.goodbyePath) {
      left.push((JSON.parse(asked.body) as { instance: string }).instance);
      if (!pod.isMute) response.writeHead(pod.acknowledgeStatus).end();
      return;
    }
    if (pod.refusal) {
      const { status, detail } = pod.refusal;
      response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ detail }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).flushHeaders();
    response.once('close', () => {
      if (stream === response) stream = undefined;
    });
    stream = response;
    streams += 1;
    if (pod.snapshot) send(feedApi.events.snapshot, pod.snapshot);
  }

  const listener = await serviceListener({ answer });
  const pod: FeedingListener = Object.defineProperties(
    {
      ...listener,
      acknowledged,
      left,
      acknowledgeStatus: 204,
      isMute: false,
      snapshot,
      refusal: undefined,
      send,
    } as never,
    {
      connections: { get: () => listener.connections },
      stream: { get: () => stream },
      streams: { get: () => streams },
    },
  );
  return pod;
}
