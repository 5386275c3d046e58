import { createHash } from 'node:crypto';
import { Router } from 'express';
import type { Response } from 'express';
import type { Millis } from '@authstack/http-service/clock';
import { NotReady } from '../errors.ts';
import type { KeyRing } from './key-ring.ts';

export interface KeyRoutePorts {
  readonly ring: () => KeyRing | undefined;
  readonly issuer: string;
  readonly jwksMaxAge: Millis;
}

/** Everything below `/.well-known`. */
export function keyRoutes({ ring, issuer, jwksMaxAge }: KeyRoutePorts): Router {
  function loaded(): KeyRing {
    const current = ring();
    if (!current) throw new NotReady('the signing keys are');
    return current;
  }

  /** Readers may keep it this long and no longer: the rotation of keys counts on it. */
  function cacheable(response: Response, document: object): void {
    const body = JSON.stringify(document);
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    response
      .set({ etag, 'cache-control': `public, max-age=${jwksMaxAge / 1000}`, 'access-control-allow-origin': '*' })
      .type('application/json')
      .send(body);
  }

  return Router()
    .get('/jwks.json', (_request, response) => {
      cacheable(response, loaded().jwks);
    })

    .get('/openid-configuration', (_request, response) => {
      cacheable(response, {
        issuer,
        jwks_uri: `${issuer}/.well-known/jwks.json`,
        response_types_supported: [],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: [...new Set(loaded().jwks.keys.map(({ alg }) => alg))],
      });
    });
}
