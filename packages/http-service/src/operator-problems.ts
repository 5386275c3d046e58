import { STATUS_CODES } from 'node:http';
import type { z } from 'zod';

/** What an operator server refuses, whatever its routes do; statuses by code. */
export const operatorProblems = {
  BAD_REQUEST: 400,
  CLIENT_REFUSED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  INTERNAL: 500,
} as const;

/** RFC 9457, as the operator is answered. */
export interface OperatorProblem<Code extends string = string> {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: Code;
  readonly detail: string;
  /** For `BAD_REQUEST`: one entry for each field that is wrong. */
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

/** A refusal that the operator can act on; `message` has what was observed and what to do. */
export class OperatorRefusal<Code extends string = keyof typeof operatorProblems> extends Error {
  override readonly name: string = 'OperatorRefusal';
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Distinct from other ZodErrors: what another process answered and does not parse is not the caller's fault. */
export class InvalidBody extends Error {
  override readonly name = 'InvalidBody';
  readonly issues: readonly z.core.$ZodIssue[];

  constructor(cause: z.ZodError) {
    super('the body is invalid', { cause });
    this.issues = cause.issues;
  }
}

export interface ProblemSource {
  /** Of every code that the routes refuse with. */
  readonly statuses: Readonly<Record<string, number>>;
  /** For what nobody foresaw: where its cause can be read, for it is in the log and not in the answer. */
  readonly failed: string;
}

export function operatorProblemOf(error: unknown, { statuses, failed }: ProblemSource): OperatorProblem {
  if (error instanceof OperatorRefusal) return problem(error.code as string, error.message);
  if (error instanceof InvalidBody) {
    const errors = error.issues.flatMap(fieldErrors);
    // Each field is in `errors`; the sentence names the first.
    const first = errors.slice(0, 3).map(({ field }) => field);
    return { ...problem('BAD_REQUEST', `the body is invalid: ${first.join(', ')}`), errors };
  }
  return problem('INTERNAL', failed);

  function problem(code: string, detail: string): OperatorProblem {
    const status = statuses[code] ?? operatorProblems.INTERNAL;
    return { type: 'about:blank', title: STATUS_CODES[status] ?? code, status, code, detail };
  }
}

function fieldErrors({ path, message, ...issue }: z.core.$ZodIssue): { field: string; message: string }[] {
  const parent = path.map(String);
  if (issue.code !== 'unrecognized_keys') return [{ field: parent.join('.') || '(body)', message }];
  return issue.keys.map((key) => ({ field: [...parent, key].join('.'), message: 'unknown field' }));
}
