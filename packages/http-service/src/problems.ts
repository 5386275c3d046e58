import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { messageOf, ServiceError } from './errors.ts';
import type { FieldError } from './errors.ts';
import { loggedRequest, requestIdOf } from './request-log.ts';
import { answerDespiteBody, hasBody } from './unread-body.ts';

export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** `WWW-Authenticate` of a 401, where it is more than `Bearer`. */
  readonly challenge?: string;
}

/** The one table of a service: its answers, its OpenAPI document and its documentation come from it. */
export type ProblemTable = Readonly<Record<string, ProblemKind>> & typeof commonProblems;

/** What each service can answer, whatever it does. */
export const commonProblems = {
  VALIDATION_FAILED: { status: 400, title: 'A field of the request is invalid' },
  MALFORMED_JSON: { status: 400, title: 'The body is not JSON' },
  BAD_REQUEST: { status: 400, title: 'The request cannot be read' },
  NOT_FOUND: { status: 404, title: 'Not found' },
  METHOD_NOT_ALLOWED: { status: 405, title: 'The path takes other methods, named in Allow' },
  BODY_TOO_LARGE: { status: 413, title: 'The body is too large' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: 'The body must be application/json in UTF-8' },
  INTERNAL: { status: 500, title: 'The service failed' },
} as const satisfies Record<string, ProblemKind>;

export const PROBLEM_TYPE = 'application/problem+json';

/** RFC 9457. */
export interface ProblemDocument<Code extends string = string> {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: Code;
  readonly detail?: string;
  readonly instance: string;
  readonly errors?: readonly FieldError[];
}

export function problemSchema<Code extends string>(codes: readonly Code[]): z.ZodType<ProblemDocument<Code>> {
  return z
    .object({
      type: z.string().meta({ description: 'Names the code; not an address to fetch.' }),
      title: z.string(),
      status: z.int(),
      code: z.enum(codes).meta({ description: 'Stable; switch on this.' }),
      detail: z.string().exactOptional(),
      instance: z.string().meta({ description: 'The id of the request, as in the logs.' }),
      errors: z
        .array(z.object({ field: z.string(), code: z.string(), message: z.string() }))
        .exactOptional()
        .meta({ description: 'The invalid fields, where it is fields.' }),
    })
    .meta({ description: 'RFC 9457 problem details.' });
}

interface Problem {
  readonly code: string;
  readonly detail?: string;
  readonly fields?: readonly FieldError[];
  readonly retryAfterSeconds?: number | undefined;
}

export interface ProblemHandlers {
  /** After the last route. */
  readonly notFound: RequestHandler;
  /** The one place where what was thrown becomes what a client reads. */
  readonly errorHandler: ErrorRequestHandler;
}

export function problemHandlers(table: ProblemTable, log: Logger): ProblemHandlers {
  const kindOf = ({ code }: Problem): ProblemKind => table[code] ?? table.INTERNAL;

  function send(problem: Problem, request: Request, response: Response): void {
    const kind = kindOf(problem);
    response.status(kind.status).set(headersOf(kind, problem));
    const text = JSON.stringify(documentOf(kind, problem, requestIdOf(request)));
    if (hasBody(request) && !request.complete) answerDespiteBody(request, response, text);
    else response.end(text);
  }

  function problemOf(error: unknown): Problem {
    if (error instanceof ServiceError && Object.hasOwn(table, error.code)) {
      const { code, message, fields, retryAfterSeconds } = error;
      return { code, detail: message, fields, retryAfterSeconds };
    }
    const refusal = refusedByExpress.safeParse(error);
    return refusal.success ? problemOfRefusal(refusal.data) : { code: 'INTERNAL' };
  }

  return {
    notFound(request, response) {
      send({ code: 'NOT_FOUND', detail: `no ${request.method} route at this path` }, request, response);
    },
    // eslint-disable-next-line max-params -- because Express tells an error handler by its four parameters
    errorHandler(error: unknown, request, response, next) {
      if (response.headersSent) {
        next(error);
        return;
      }
      const problem = problemOf(error);
      if (kindOf(problem).status >= 500) {
        log.error(
          { req: loggedRequest(request), code: problem.code, ...failure(error, problem.code) },
          'request failed',
        );
      }
      send(problem, request, response);
    },
  };
}

function documentOf(
  { status, title }: ProblemKind,
  { code, detail, fields = [] }: Problem,
  requestId: string,
): ProblemDocument {
  return {
    type: `tag:authstack.dev,2026:problem:${code}`,
    title,
    status,
    code,
    ...(detail !== undefined && { detail }),
    instance: `urn:uuid:${requestId}`,
    ...(fields.length > 0 && { errors: fields }),
  };
}

function headersOf(
  { status, challenge = 'Bearer' }: ProblemKind,
  { retryAfterSeconds }: Problem,
): Readonly<Record<string, string>> {
  return {
    'content-type': PROBLEM_TYPE,
    'cache-control': 'no-store',
    ...(status === 401 && { 'www-authenticate': challenge }),
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  };
}

/** What Express and its body parser throw for a request they cannot read. */
const refusedByExpress = z.object({ status: z.int().min(400).max(499) });

function problemOfRefusal({ status }: z.infer<typeof refusedByExpress>): Problem {
  const code = byStatus.get(status) ?? 'BAD_REQUEST';
  return { code, detail: STATUS_CODES[status] ?? 'the request cannot be read' };
}

const byStatus = new Map<number, keyof typeof commonProblems>([
  [404, 'NOT_FOUND'],
  [413, 'BODY_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
]);

function failure(error: unknown, code: string): object {
  const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : undefined;
  // An unforeseen error is logged with its stack; what passes by itself needs one line.
  return { cause, ...(code === 'INTERNAL' ? { err: error } : { reason: messageOf(error) }) };
}
