import express from 'express';
import type { RequestHandler } from 'express';
import { AuthError } from '../errors.ts';

export class UnsupportedMediaType extends AuthError {
  override readonly code = 'UNSUPPORTED_MEDIA_TYPE';

  constructor() {
    super('send application/json');
  }
}

const MAX_BODY = '16kb';
const parse: RequestHandler = express.json({ limit: MAX_BODY, strict: true, inflate: false, type: 'application/json' });

/** A body must be JSON; HTML forms, which need no preflight, can therefore never reach a route. */
export const jsonBody: RequestHandler = (request, response, next) => {
  const { 'content-type': type, 'content-length': length, 'transfer-encoding': chunked } = request.headers;
  const hasBody = chunked !== undefined || (length !== undefined && length !== '0');
  const isJson = Boolean(request.is('application/json')) || (!hasBody && type === undefined);
  const saysOtherwise = hasBody ? !isJson : type !== undefined && !/^application\/json\s*(;|$)/i.test(type);
  if (saysOtherwise) throw new UnsupportedMediaType();
  parse(request, response, next);
};
