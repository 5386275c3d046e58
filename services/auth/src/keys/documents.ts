import type { Millis } from '@authstack/http-service/clock';
import { publicDocument } from '@authstack/http-service/documents';
import type { PublicDocument } from '@authstack/http-service/documents';
import { authContract } from '../api.ts';
import type { KeyRing, PublicJwk } from './key-ring.ts';

export const DISCOVERY_PATH = '/.well-known/openid-configuration';

/** By path; `undefined` as long as no key ring is loaded. */
export interface KeyDocuments extends Readonly<Record<string, () => PublicDocument | undefined>> {
  readonly [authContract.jwksPath]: () => PublicDocument<{ keys: PublicJwk[] }> | undefined;
  readonly [DISCOVERY_PATH]: () => PublicDocument<Discovery> | undefined;
}

export interface Discovery {
  readonly issuer: string;
  readonly jwks_uri: string;
  readonly [member: string]: unknown;
}

export interface KeyDocumentPorts {
  readonly ring: () => KeyRing | undefined;
  readonly issuer: string;
  /** Readers may keep a document this long and no longer: the rotation of keys counts on it. */
  readonly jwksMaxAge: Millis;
}

export function keyDocuments({ ring, issuer, jwksMaxAge }: KeyDocumentPorts): KeyDocuments {
  const cacheControl = `public, max-age=${jwksMaxAge / 1000}`;

  function ofEachRing<Content extends object>(
    contentOf: (ring: KeyRing) => Content,
  ): () => PublicDocument<Content> | undefined {
    let made: { readonly of: KeyRing; readonly document: PublicDocument<Content> } | undefined;
    return () => {
      const current = ring();
      if (current && current !== made?.of) {
        made = { of: current, document: publicDocument(contentOf(current), { cacheControl }) };
      }
      return made?.document;
    };
  }

  return {
    [authContract.jwksPath]: ofEachRing(({ jwks }) => ({ keys: [...jwks.keys] })),
    [DISCOVERY_PATH]: ofEachRing(({ jwks }) => ({
      issuer,
      jwks_uri: `${issuer}${authContract.jwksPath}`,
      response_types_supported: [],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [...new Set(jwks.keys.map(({ alg }) => alg))],
    })),
  };
}
