import express from 'express';
import type { RequestHandler } from 'express';
import { UnsupportedMediaType } from '../errors.ts';

const parse: RequestHandler = express.json({ limit: '4kb', strict: true, inflate: false, type: 'application/json' });

/** A body must be JSON; HTML forms, which need no preflight, can therefore never reach a route. */
export const jsonBody: RequestHandler = (request, response, next) => {
  if (!request.is('application/json')) throw new UnsupportedMediaType();
  parse(request, response, next);
};
