import type { PublicDocument } from '@authstack/http-service/documents';
import type { Response } from 'express';
import { z } from 'zod';
import { authContract } from '../api.ts';
import { NotReady } from '../errors.ts';
import { publicRoute } from '../http/route.ts';
import type { PublicRoute } from '../http/route.ts';
import { DISCOVERY_PATH } from './documents.ts';
import type { KeyDocuments } from './documents.ts';

const published = { method: 'get', revalidates: true, problems: ['NOT_READY'] } as const;

/** What the listener answers before any route; these are for the other ways of asking, and for what is not loaded yet. */
export function keyRoutes(documents: KeyDocuments): readonly PublicRoute[] {
  return [
    publicRoute({
      ...published,
      path: authContract.jwksPath,
      summary: 'The public keys that verify access tokens',
      reply: { status: 200, schema: z.object({ keys: z.array(z.record(z.string(), z.string())) }) },
      handle: ({ response }) => answering(documents[authContract.jwksPath](), response),
    }),
    publicRoute({
      ...published,
      path: DISCOVERY_PATH,
      summary: 'Discovery',
      reply: { status: 200, schema: z.looseObject({ issuer: z.string(), jwks_uri: z.string() }) },
      handle: ({ response }) => answering(documents[DISCOVERY_PATH](), response),
    }),
  ];
}

function answering<Content>(document: PublicDocument<Content> | undefined, response: Response): Content {
  if (!document) throw new NotReady('the signing keys are');
  response.set(document.headers);
  return document.content;
}
