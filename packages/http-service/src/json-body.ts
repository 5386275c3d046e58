import express from 'express';
import type { RequestHandler } from 'express';
import { UnsupportedMediaType } from './errors.ts';

export interface JsonBodyOptions {
  /** As Express spells sizes: `16kb`. */
  readonly limit: string;
  /** A request without a body is refused; otherwise its body is `undefined`. */
  readonly required?: boolean;
}

/** A body must be JSON; HTML forms, which need no preflight, can therefore never reach a route. */
export function jsonBody({ limit, required = false }: JsonBodyOptions): RequestHandler {
  const parse: RequestHandler = express.json({ limit, strict: true, inflate: false, type: 'application/json' });
  return (request, response, next) => {
    const { 'content-type': type, 'content-length': length, 'transfer-encoding': chunked } = request.headers;
    const hasBody = chunked !== undefined || (length !== undefined && length !== '0');
    const isJson = Boolean(request.is('application/json')) || (!hasBody && !required && type === undefined);
    const isOther = hasBody || required ? !isJson : type !== undefined && !/^application\/json\s*(;|$)/i.test(type);
    if (isOther) throw new UnsupportedMediaType();
    parse(request, response, next);
  };
}
