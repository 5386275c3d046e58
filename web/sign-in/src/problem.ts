/** What went wrong, as the API told it (RFC 9457), or as the browser met it when no API answered. */
export interface Problem {
  readonly code: string;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly detail?: string;
  readonly fields: readonly FieldProblem[];
}

export interface FieldProblem {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

/** Codes of this page's own, for what no API of ours said. */
export const UNREACHABLE = 'UNREACHABLE';
export const UNREADABLE = 'UNREADABLE';
export const SIGN_IN_FIRST = 'SIGN_IN_FIRST';

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

export const succeeded = <T>(value: T): Result<T> => ({ ok: true, value });
export const failed = (problem: Problem): Result<never> => ({ ok: false, problem });

export function problemOf(code: string, { status = 0, detail }: { status?: number; detail?: string } = {}): Problem {
  return { code, status, fields: [], ...(detail !== undefined && { detail }) };
}

/** The auth service has said that the session is over; a 401 of any other service may have other reasons. */
export function endsSession({ code }: Problem): boolean {
  return code === 'SESSION_INVALID' || code === 'SESSION_REUSED';
}

/** A gateway answers for a service that is away in HTML or not at all; that is told apart from a problem of the API. */
export function parseProblem(status: number, body: unknown): Problem {
  if (!isRecord(body) || typeof body['code'] !== 'string') {
    return problemOf(status >= 500 || status === 404 ? UNREACHABLE : UNREADABLE, { status });
  }
  const { code, detail, errors } = body;
  return {
    code,
    status,
    fields: Array.isArray(errors) ? errors.filter(isFieldProblem) : [],
    ...(typeof detail === 'string' && { detail }),
  };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFieldProblem(value: unknown): value is FieldProblem {
  return isRecord(value) && ['field', 'code', 'message'].every((name) => typeof value[name] === 'string');
}
