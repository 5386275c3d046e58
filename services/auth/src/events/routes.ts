import { feedApi } from '@authstack/verify/feed-api';
import { jsonBody } from '@authstack/http-service/json-body';
import { parsed } from '@authstack/http-service/validation';
import { Router } from 'express';
import type { Request, Response } from 'express';
import { acknowledgement, authContract } from '../api.ts';
import { NotThatClient } from './errors.ts';
import type { Sink } from './event-streams.ts';
import type { Feed } from './feed.ts';
import type { Verifiers } from './verifiers.ts';

export interface EventRoutesPorts {
  readonly feed: Pick<Feed, 'open'>;
  readonly verifiers: Pick<Verifiers, 'acknowledge'>;
  /** Of a request that was let in: the client whose credential it shows. */
  readonly clientOf: (request: Request) => string;
  readonly acknowledged: (outcome: 'stored' | 'refused') => void;
}

const MAX_BODY_BYTES = 64 * 1024;

/** On the listener for services, behind its gate. */
export function eventRoutes({ feed, verifiers, clientOf, acknowledged }: EventRoutesPorts): Router {
  const router = Router();

  router.get(authContract.eventsPath, (request, response) => {
    const instance = instanceOf(request);
    const sink = sinkTo(response);
    if (request.method === 'HEAD') {
      sink.end();
      return;
    }
    const gone = feed.open({ client: clientOf(request), instance }, sink);
    response.once('close', gone).on('error', gone);
    // It may have gone before it is listened to.
    if (response.destroyed) gone();
  });

  router.post(authContract.acknowledgePath, jsonBody({ maxBytes: MAX_BODY_BYTES }), (request, response) => {
    const client = clientOf(request);
    const named = request.headers[authContract.clientIdHeader];
    if (named !== undefined && named !== client) {
      acknowledged('refused');
      throw new NotThatClient();
    }
    verifiers.acknowledge(client, parsed(acknowledgement, request.body));
    acknowledged('stored');
    response.status(204).end();
  });

  return router;
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
