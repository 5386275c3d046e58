import { STATUS_CODES } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { z } from 'zod';
import { AuthError, messageOf } from '../errors.ts';
import type { ProblemCode } from '../errors.ts';
import { problemDocument, problemHeaders } from './problem.ts';
import type { Problem } from './problem.ts';
import { requestIdOf } from './request-log.ts';

/** The one place where what was thrown becomes what a client reads. */
// eslint-disable-next-line max-params -- because Express tells an error handler by its four parameters
export function errorHandler(error: unknown, request: Request, response: Response, next: NextFunction): void {
  if (response.headersSent) {
    next(error);
    return;
  }
  const problem = problemOf(error);
  const document = problemDocument(problem, requestIdOf(request));
  if (document.status >= 500) logTrouble(error, request, problem);
  response.status(document.status).set(problemHeaders(problem)).end(JSON.stringify(document));
}

export function notFound(request: Request, response: Response): void {
  const problem: Problem = { code: 'NOT_FOUND', detail: `no ${request.method} route of this path` };
  const document = problemDocument(problem, requestIdOf(request));
  response.status(document.status).set(problemHeaders(problem)).end(JSON.stringify(document));
}

function problemOf(error: unknown): Problem {
  if (error instanceof AuthError) {
    const { code, message, fields, retryAfterSeconds } = error;
    return { code, detail: message, fields, retryAfterSeconds };
  }
  const parsed = refusedByExpress.safeParse(error);
  return parsed.success ? problemOfRefusal(parsed.data) : { code: 'INTERNAL' };
}

/** What Express and its body parser throw for a request they cannot read. */
const refusedByExpress = z.object({ status: z.int().min(400).max(499), type: z.string().optional() });

function problemOfRefusal({ status, type }: z.infer<typeof refusedByExpress>): Problem {
  if (type === 'entity.parse.failed') return { code: 'MALFORMED_JSON', detail: 'the body must be a JSON object' };
  const code = byStatus.get(status) ?? 'BAD_REQUEST';
  return { code, detail: STATUS_CODES[status] ?? 'the request cannot be read' };
}

const byStatus = new Map<number, ProblemCode>([
  [404, 'NOT_FOUND'],
  [413, 'BODY_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
]);

function logTrouble(error: unknown, request: Request, { code }: Problem): void {
  const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : undefined;
  // An unforeseen error is logged with its stack; what passes by itself needs one line.
  const detail = code === 'INTERNAL' ? { err: error } : { reason: messageOf(error) };
  request.log.error({ code, cause, ...detail }, 'request failed');
}
