import type { Request, RequestHandler } from 'express';
import getRawBody from 'raw-body';
import { BodyTooLarge, MalformedJson, UnsupportedMediaType } from './errors.ts';
import { hasBody } from './unread-body.ts';

export interface JsonBodyOptions {
  readonly maxBytes: number;
  /** A request without a body is refused; otherwise its body is `undefined`. */
  readonly required?: boolean;
}

/**
 * A body must be JSON; HTML forms, which need no preflight, can therefore never reach a route. One that is too large is refused
 * before it is read, or, where its length is not declared, at the byte that is too many: Express' own parser reads it to its
 * end first.
 */
export function jsonBody({ maxBytes, required = false }: JsonBodyOptions): RequestHandler {
  return async (request, response, next) => {
    if (!isAcceptable(request, required)) throw new UnsupportedMediaType();
    if (hasBody(request)) {
      const { 'content-length': length, expect } = request.headers;
      if (Number(length ?? 0) > maxBytes) throw new BodyTooLarge(maxBytes);
      // Whoever asks before sending (RFC 9110, section 10.1.1) need not send what is refused.
      if (expect !== undefined) response.writeContinue();
      request.body = parsedJson(await getRawBody(request, { limit: maxBytes, length: length ?? null }));
    }
    next();
  };
}

const jsonType = /^application\/json\s*(?:;|$)/i;
const otherCharset = /;\s*charset\s*=\s*(?!"?utf-8"?\s*(?:;|$))/i;

function isAcceptable(request: Request, required: boolean): boolean {
  const { 'content-type': type, 'content-encoding': encoding = 'identity' } = request.headers;
  if (type === undefined) return !required && !hasBody(request);
  return jsonType.test(type) && !otherCharset.test(type) && encoding === 'identity';
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parsedJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch {
    // The parser's message quotes the body.
    throw new MalformedJson();
  }
  if (typeof value !== 'object' || value === null) throw new MalformedJson();
  return value;
}
