import { STATUS_CODES } from 'node:http';
import type { z } from 'zod';
import type { ErrorCode, Problem } from '../api.ts';
import { Refusal } from '../errors.ts';

const statuses: Readonly<Record<ErrorCode, number>> = {
  BAD_REQUEST: 400,
  BODY_TOO_LARGE: 413,
  CLIENT_REFUSED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  UNSUPPORTED_MEDIA_TYPE: 415,
  VOLUME_MISMATCH: 409,
  VOLUME_UNREADABLE: 409,
  VOLUME_OF_A_SET: 409,
  GATE_NOT_WAITING: 409,
  VOLUME_FENCED: 409,
  VOLUME_IN_USE: 409,
  MONGOD_UNAVAILABLE: 503,
  KEYFILE_REFUSED: 503,
  NOT_INITIALIZED: 409,
  NOT_PRIMARY: 409,
  CONFIG_CHANGED: 409,
  CONFIG_REFUSED: 409,
  CONFIG_NOT_COMMITTED: 503,
  USER_REFUSED: 409,
  COMPATIBILITY_REFUSED: 409,
  KEYFILE_GONE: 409,
  NO_SUCCESSOR: 409,
  TERM_CHANGED: 409,
  NOT_SECONDARY: 409,
  ELECTION_LOST: 409,
  INTERNAL: 500,
};

/** Distinct from other ZodErrors: a reply of mongod that does not parse is not the caller's fault. */
export class InvalidBody extends Error {
  override readonly name = 'InvalidBody';
  readonly issues: readonly z.core.$ZodIssue[];

  constructor(cause: z.ZodError) {
    super('the body is invalid', { cause });
    this.issues = cause.issues;
  }
}

export function problemOf(error: unknown): Problem {
  if (error instanceof Refusal) return problem(error.code, error.message);
  if (error instanceof InvalidBody) {
    const errors = error.issues.flatMap(fieldErrors);
    // Each field is in `errors`; the sentence names the first.
    const first = errors.slice(0, 3).map(({ field }) => field);
    return { ...problem('BAD_REQUEST', `the body is invalid: ${first.join(', ')}`), errors };
  }
  // The cause is in the log and not in the answer.
  return problem('INTERNAL', 'the agent failed; see kubectl logs <pod> -c agent');
}

function problem(code: ErrorCode, detail: string): Problem {
  const status = statuses[code];
  return { type: 'about:blank', title: STATUS_CODES[status] ?? code, status, code, detail };
}

function fieldErrors({ path, message, ...issue }: z.core.$ZodIssue): { field: string; message: string }[] {
  const parent = path.map(String);
  if (issue.code !== 'unrecognized_keys') return [{ field: parent.join('.') || '(body)', message }];
  return issue.keys.map((key) => ({ field: [...parent, key].join('.'), message: 'unknown field' }));
}
