import { whenText } from './retry.ts';
import type { Retry } from './retry.ts';

/** What went wrong, as the API answered it (RFC 9457), or as the browser met it when no API answered. */
export interface Problem {
  readonly code: string;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly detail?: string;
  readonly fields: readonly FieldProblem[];
  /** Absent where the service names no time. */
  readonly retry?: Retry;
}

export interface FieldProblem {
  readonly field: string;
  readonly code: string;
  readonly message: string;
}

/** Codes of the page's own, for what no API of ours answered. */
export const UNREACHABLE = 'UNREACHABLE';
export const UNREADABLE = 'UNREADABLE';
export const TOO_MANY_REQUESTS = 'TOO_MANY_REQUESTS';

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

export const succeeded = <T>(value: T): Result<T> => ({ ok: true, value });
export const failed = (problem: Problem): Result<never> => ({ ok: false, problem });

interface ProblemFacts {
  readonly status?: number;
  readonly detail?: string | undefined;
  readonly fields?: readonly FieldProblem[];
  readonly retry?: Retry | undefined;
}

export function problemOf(code: string, { status = 0, detail, fields = [], retry }: ProblemFacts = {}): Problem {
  return { code, status, fields, ...(detail !== undefined && { detail }), ...(retry && { retry }) };
}

interface RefusedAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly retry?: Retry | undefined;
}

/** A gateway answers for a service that is away in HTML or not at all; that is not a problem of the API. */
export function parseProblem({ status, body, retry }: RefusedAnswer): Problem {
  if (!isRecord(body) || typeof body['code'] !== 'string') return problemOf(codeOf(status), { status, retry });
  const { code, detail, errors } = body;
  return problemOf(code, {
    status,
    detail: typeof detail === 'string' ? detail : undefined,
    fields: Array.isArray(errors) ? errors.filter(isFieldProblem) : [],
    retry,
  });
}

function codeOf(status: number): string {
  if (status === 429) return TOO_MANY_REQUESTS;
  return status >= 500 || status === 404 ? UNREACHABLE : UNREADABLE;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFieldProblem(value: unknown): value is FieldProblem {
  return isRecord(value) && ['field', 'code', 'message'].every((name) => typeof value[name] === 'string');
}

/** By code. `{when}` is the time that the service names, or “in a moment”. */
export type Texts = Readonly<Record<string, string>>;

/** What every service of ours may answer; each page adds the codes of its own services. */
const texts: Texts = {
  CSRF_REJECTED: 'Your browser sent this request as if from another site. Reload the page and try again.',
  NOT_READY: 'The service is starting. Try again {when}.',
  INTERNAL: 'Something went wrong on our side. Try again {when}.',
  [TOO_MANY_REQUESTS]: 'That was too often. Try again {when}.',
  [UNREACHABLE]: 'The service does not answer. Check your connection, or try again {when}.',
  [UNREADABLE]: 'The service sent an answer that this page does not understand. Reload the page.',
};

export function textOf(problem: Problem, more: Texts): string {
  const when = whenText(problem.retry);
  const text = ownTextOf(problem, { ...texts, ...more });
  if (text.includes('{when}')) return text.replace('{when}', when);
  return problem.retry ? `${text} Try again ${when}.` : text;
}

/** A code that is new to the page is explained by its status, or in the words of the service. */
function ownTextOf({ code, status, detail }: Problem, texts: Texts): string {
  const known = texts[code] ?? (status === 429 ? texts[TOO_MANY_REQUESTS] : undefined);
  return known ?? (detail !== undefined ? sentence(detail) : 'Something went wrong. Try again {when}.');
}

function sentence(text: string): string {
  const trimmed = text.trim();
  const whole = /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
  return whole.charAt(0).toUpperCase() + whole.slice(1);
}
