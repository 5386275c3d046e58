/** What went wrong, as the API answered it (RFC 9457), or as the browser met it when no API answered. */
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

/** Codes of the page's own, for what no API of ours answered. */
export const UNREACHABLE = 'UNREACHABLE';
export const UNREADABLE = 'UNREADABLE';

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

export const succeeded = <T>(value: T): Result<T> => ({ ok: true, value });
export const failed = (problem: Problem): Result<never> => ({ ok: false, problem });

export function problemOf(code: string, { status = 0, detail }: { status?: number; detail?: string } = {}): Problem {
  return { code, status, fields: [], ...(detail !== undefined && { detail }) };
}

/** A gateway answers for a service that is away in HTML or not at all; that is not a problem of the API. */
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

export type Texts = Readonly<Record<string, string>>;

/** What every service of ours may answer; each page adds the codes of its own services. */
const texts: Texts = {
  CSRF_REJECTED: 'Your browser sent this request as if from another site. Reload the page and try again.',
  NOT_READY: 'The service is starting. Try again in a moment.',
  INTERNAL: 'Something went wrong on our side. Try again.',
  [UNREACHABLE]: 'The service does not answer. Check your connection, or try again in a moment.',
  [UNREADABLE]: 'The service sent an answer that this page does not understand. Reload the page.',
};

export function textOf({ code, detail }: Problem, more: Texts): string {
  return more[code] ?? texts[code] ?? detail ?? 'Something went wrong. Try again.';
}
