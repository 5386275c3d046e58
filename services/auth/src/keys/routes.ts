import { createHash } from 'node:crypto';
import type { Millis } from '@authstack/http-service/clock';
import type { Response } from 'express';
import { z } from 'zod';
import { authContract } from '../api.ts';
import { NotReady } from '../errors.ts';
import { publicRoute } from '../http/route.ts';
import type { PublicRoute } from '../http/route.ts';
import type { KeyRing } from './key-ring.ts';

export interface KeyRoutePorts {
  readonly ring: () => KeyRing | undefined;
  readonly issuer: string;
  readonly jwksMaxAge: Millis;
}

const published = { method: 'get', problems: ['NOT_READY'] } as const;

export function keyRoutes({ ring, issuer, jwksMaxAge }: KeyRoutePorts): readonly PublicRoute[] {
  function loaded(): KeyRing {
    const current = ring();
    if (!current) throw new NotReady('the signing keys are');
    return current;
  }

  /** Readers may keep it this long and no longer: the rotation of keys counts on it. */
  function cacheable<T>(document: T, response: Response): T {
    const etag = `"${createHash('sha256').update(JSON.stringify(document)).digest('base64url')}"`;
    response.set({
      etag,
      'cache-control': `public, max-age=${jwksMaxAge / 1000}`,
      'access-control-allow-origin': '*',
    });
    return document;
  }

  return [
    publicRoute({
      ...published,
      path: authContract.jwksPath,
      summary: 'The public keys that verify access tokens',
      reply: { status: 200, schema: z.object({ keys: z.array(z.record(z.string(), z.string())) }) },
      handle: ({ response }) => cacheable({ keys: [...loaded().jwks.keys] }, response),
    }),
    publicRoute({
      ...published,
      path: '/.well-known/openid-configuration',
      summary: 'Discovery',
      reply: { status: 200, schema: z.looseObject({ issuer: z.string(), jwks_uri: z.string() }) },
      handle: ({ response }) =>
        cacheable(
          {
            issuer,
            jwks_uri: `${issuer}${authContract.jwksPath}`,
            response_types_supported: [],
            subject_types_supported: ['public'],
            id_token_signing_alg_values_supported: [...new Set(loaded().jwks.keys.map(({ alg }) => alg))],
          },
          response,
        ),
    }),
  ];
}
