import type { ServerResponse } from 'node:http';
import { TokenError } from './errors.ts';
import type { VerifyError } from './errors.ts';

const titles: Readonly<Record<VerifyError['status'], string>> = {
  401: 'Sign in first',
  403: 'The request does not come from a page of this site',
  503: 'Try again in a moment',
};

/** RFC 9457, in the form of the auth service. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

export function problemOf({ code, status, message }: VerifyError): ProblemDocument {
  return { type: `tag:authstack.dev,2026:problem:${code}`, title: titles[status], status, code, detail: message };
}

export function sendProblem(response: ServerResponse, error: VerifyError): void {
  // A time limit of the service's own answered meanwhile.
  if (response.headersSent) return;
  response.statusCode = error.status;
  response.setHeader('content-type', 'application/problem+json');
  response.setHeader('cache-control', 'no-store');
  if (error.status === 401) response.setHeader('www-authenticate', challengeOf(error));
  if (error.retryAfterSeconds !== undefined) response.setHeader('retry-after', String(error.retryAfterSeconds));
  response.end(JSON.stringify(problemOf(error)));
}

/** RFC 6750: the challenge to a request without a token has no error. */
function challengeOf(error: VerifyError): string {
  return error instanceof TokenError ? `Bearer error="invalid_token", error_description="${error.message}"` : 'Bearer';
}
