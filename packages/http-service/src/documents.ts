import { createHash } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { observe, requestIdOf } from './request-log.ts';
import type { RequestDuration } from './request-log.ts';
import type { Headers } from './security-headers.ts';

/** What many clients ask for again and again, and everybody may read: serialized once for each of its states. */
export interface PublicDocument<Content = unknown> {
  readonly content: Content;
  readonly body: Buffer;
  readonly etag: string;
  readonly headers: Headers;
}

export interface DocumentOptions {
  readonly cacheControl: string;
}

export function publicDocument<Content extends object>(
  content: Content,
  { cacheControl }: DocumentOptions,
): PublicDocument<Content> {
  const body = Buffer.from(JSON.stringify(content));
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
  return {
    content,
    body,
    etag,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      etag,
      'cache-control': cacheControl,
      'access-control-allow-origin': '*',
    },
  };
}

/** By path; `undefined` as long as there is none: then the request goes its usual way. */
export type PublicDocuments = Readonly<Record<string, () => PublicDocument | undefined>>;

export interface DocumentPorts {
  readonly documents: PublicDocuments;
  readonly duration: RequestDuration;
  /** Of every answer of the service. */
  readonly headers: () => Headers;
  readonly otherwise: RequestListener;
}

/**
 * Answers GET of a document before anything that other requests need. It is counted as others are and not logged: each pod of
 * each consumer reads it every few minutes.
 */
export function documentsFirst({ documents, duration, headers, otherwise }: DocumentPorts): RequestListener {
  const byPath = new Map(Object.entries(documents));
  return (request, response) => {
    const { url: route = '' } = request;
    const document = request.method === 'GET' ? byPath.get(route)?.() : undefined;
    if (!document) {
      otherwise(request, response);
      return;
    }
    const startedAt = performance.now();
    response.once('close', () => {
      observe(duration, { request, response, startedAt, route });
    });
    setHeaders(response, headers());
    answer(request, response, document);
  };
}

function answer(request: IncomingMessage, response: ServerResponse, document: PublicDocument): void {
  response.setHeader('x-request-id', requestIdOf(request));
  setHeaders(response, document.headers);
  if (isHeld(request, document)) {
    response.statusCode = 304;
    response.removeHeader('content-type');
    response.end();
    return;
  }
  response.setHeader('content-length', document.body.length);
  response.end(document.body);
}

/** `If-None-Match` is a list of entity tags, compared without their `W/` (RFC 9110, section 13.1.2). */
function isHeld({ headers }: IncomingMessage, { etag }: PublicDocument): boolean {
  const held = headers['if-none-match'];
  if (held === undefined) return false;
  return held === '*' || held.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

function setHeaders(response: ServerResponse, headers: Headers): void {
  for (const name in headers) response.setHeader(name, headers[name] ?? '');
}
