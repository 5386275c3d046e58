import { feedApi } from '@authstack/verify/feed-api';
import { parsed } from '@authstack/http-service/validation';
import type { Request, Response } from 'express';
import { acknowledgement, authContract, goodbye } from '../api.ts';
import { credentialOf } from '../clients/clients.ts';
import type { Client } from '../clients/clients.ts';
import { clientRoute } from '../clients/client-route.ts';
import type { ClientRoute } from '../clients/client-route.ts';
import { unreadable } from '../sessions/requests.ts';
import { NotThatClient } from './errors.ts';
import type { Sink } from './event-streams.ts';
import type { Feed } from './feed.ts';
import type { Verifiers } from './verifiers.ts';

/** `left`: a goodbye. */
export type AcknowledgementOutcome = 'stored' | 'refused' | 'left';

export interface EventRoutesPorts {
  readonly feed: Pick<Feed, 'open'>;
  readonly verifiers: Pick<Verifiers, 'acknowledge' | 'goodbye'>;
  readonly acknowledged: (outcome: AcknowledgementOutcome) => void;
}

const MAX_BODY_BYTES = 64 * 1024;

/** On the listener for services. */
export function eventRoutes(ports: EventRoutesPorts): readonly ClientRoute[] {
  return [reading(ports), acknowledging(ports), leaving(ports)];
}

function reading({ feed }: EventRoutesPorts): ClientRoute {
  return clientRoute({
    method: 'get',
    path: authContract.eventsPath,
    summary: 'What changes for those who verify tokens, as server-sent events without end',
    headers: [{ name: feedApi.instanceHeader, description: 'The instance that this verifier acknowledges keys as.' }],
    reply: { status: 200, stream: 'text/event-stream' },
    problems: ['VALIDATION_FAILED', 'NOT_READY', 'TOO_MANY_STREAMS'],
    handle({ request, response, caller }) {
      const instance = instanceOf(request);
      const sink = sinkTo(response);
      if (request.method === 'HEAD') {
        sink.end();
        return;
      }
      const gone = feed.open({ client: caller.id, credential: credentialOf(caller), instance }, sink);
      response.once('close', gone).on('error', gone);
      // It may have gone before it is listened to.
      if (response.destroyed) gone();
    },
  });
}

function acknowledging({ verifiers, acknowledged }: EventRoutesPorts): ClientRoute {
  return clientRoute({
    method: 'post',
    path: authContract.acknowledgePath,
    summary: 'Which keys a verifier has in its memory',
    body: acknowledgement,
    maxBodyBytes: MAX_BODY_BYTES,
    reply: { status: 204 },
    problems: [...unreadable, 'NOT_THAT_CLIENT'],
    handle({ request, caller, body }) {
      checkNamed(request, caller, acknowledged);
      verifiers.acknowledge(caller.id, body());
      acknowledged('stored');
    },
  });
}

function leaving({ verifiers, acknowledged }: EventRoutesPorts): ClientRoute {
  return clientRoute({
    method: 'post',
    path: authContract.goodbyePath,
    summary: 'A verifier ends: it is not waited for any more',
    body: goodbye,
    maxBodyBytes: MAX_BODY_BYTES,
    reply: { status: 204 },
    problems: [...unreadable, 'NOT_THAT_CLIENT'],
    handle({ request, caller, body }) {
      checkNamed(request, caller, acknowledged);
      verifiers.goodbye(caller.id, body());
      acknowledged('left');
    },
  });
}

/** @throws NotThatClient */
function checkNamed({ headers }: Request, caller: Client, acknowledged: EventRoutesPorts['acknowledged']): void {
  const named = headers[authContract.clientIdHeader];
  if (named === undefined || named === caller.id) return;
  acknowledged('refused');
  throw new NotThatClient();
}

const { instance: instanceSchema } = acknowledgement.shape;

function instanceOf({ headers }: Request): string | undefined {
  const given = headers[feedApi.instanceHeader];
  return given === undefined ? undefined : parsed(instanceSchema, given, { name: feedApi.instanceHeader });
}

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // When the stream ends, so does the connection: the next one may lead to another pod.
  connection: 'close',
  // Proxies that hold answers back until there is more of them.
  'x-accel-buffering': 'no',
} as const;

/** The head of the answer goes with the first bytes, so that whoever is refused before them is answered a problem. */
function sinkTo(response: Response): Sink {
  return {
    get backlog() {
      return response.writableLength;
    },
    write(text) {
      if (!response.headersSent) response.status(200).set(streamHeaders);
      response.write(text);
    },
    end() {
      if (!response.headersSent) response.status(200).set(streamHeaders);
      response.end();
    },
    cut() {
      response.destroy();
    },
  };
}
