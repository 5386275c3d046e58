import { STATUS_CODES } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { z } from 'zod';
import { OrdersError, problems } from '../errors.ts';
import type { FieldError, ProblemCode } from '../errors.ts';
import { requestIdOf } from './request-log.ts';

interface Problem {
  readonly code: ProblemCode;
  readonly detail?: string;
  readonly fields?: readonly FieldError[];
}

/** The one place where what was thrown becomes what a client reads. */
// eslint-disable-next-line max-params -- because Express tells an error handler by its four parameters
export function errorHandler(error: unknown, request: Request, response: Response, next: NextFunction): void {
  if (response.headersSent) {
    next(error);
    return;
  }
  const problem = problemOf(error);
  if (problem.code === 'INTERNAL') request.log.error({ err: error }, 'request failed');
  send(problem, request, response);
}

export function notFound(request: Request, response: Response): void {
  send({ code: 'NOT_FOUND', detail: `no ${request.method} route of this path` }, request, response);
}

/** RFC 9457. */
function send({ code, detail, fields = [] }: Problem, request: Request, response: Response): void {
  const { status, title } = problems[code];
  const document = {
    type: `tag:authstack.dev,2026:problem:${code}`,
    title,
    status,
    code,
    ...(detail !== undefined && { detail }),
    instance: `urn:uuid:${requestIdOf(request)}`,
    ...(fields.length > 0 && { errors: fields }),
  };
  response
    .status(status)
    .set({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' })
    .end(JSON.stringify(document));
}

function problemOf(error: unknown): Problem {
  if (error instanceof OrdersError) return { code: error.code, detail: error.message, fields: error.fields };
  const refusal = refusedByExpress.safeParse(error);
  if (!refusal.success) return { code: 'INTERNAL' };
  const { status, type } = refusal.data;
  if (type === 'entity.parse.failed') return { code: 'MALFORMED_JSON', detail: 'the body must be a JSON object' };
  return { code: byStatus.get(status) ?? 'BAD_REQUEST', detail: STATUS_CODES[status] ?? 'the request cannot be read' };
}

/** What Express and its body parser throw for a request they cannot read. */
const refusedByExpress = z.object({ status: z.int().min(400).max(499), type: z.string().optional() });

const byStatus = new Map<number, ProblemCode>([
  [404, 'NOT_FOUND'],
  [413, 'BODY_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
]);
