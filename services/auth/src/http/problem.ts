import { z } from 'zod';
import { problems } from '../errors.ts';
import type { FieldError, ProblemCode } from '../errors.ts';

export const problemSchema = z
  .object({
    type: z.string().meta({ description: 'Names the code; not an address to fetch.' }),
    title: z.string(),
    status: z.int(),
    code: z
      .enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]])
      .meta({ description: 'Stable; switch on this.' }),
    detail: z.string().exactOptional(),
    instance: z.string().meta({ description: 'The id of the request, as in the logs.' }),
    errors: z
      .array(z.object({ field: z.string(), code: z.string(), message: z.string() }))
      .exactOptional()
      .meta({ description: 'The fields at fault, if it is fields.' }),
  })
  .meta({ description: 'RFC 9457 problem details.' });
export type ProblemDocument = z.infer<typeof problemSchema>;

export interface Problem {
  readonly code: ProblemCode;
  readonly detail?: string | undefined;
  readonly fields?: readonly FieldError[];
  readonly retryAfterSeconds?: number | undefined;
}

export const PROBLEM_TYPE = 'application/problem+json';

export function problemDocument({ code, detail, fields = [] }: Problem, requestId: string): ProblemDocument {
  const { status, title } = problems[code];
  return {
    type: `tag:authstack.dev,2026:problem:${code}`,
    title,
    status,
    code,
    ...(detail !== undefined && { detail }),
    instance: `urn:uuid:${requestId}`,
    ...(fields.length > 0 && { errors: [...fields] }),
  };
}

export function problemHeaders({ code, retryAfterSeconds }: Problem): Readonly<Record<string, string>> {
  const isUnauthorized = problems[code].status === 401;
  return {
    'content-type': PROBLEM_TYPE,
    'cache-control': 'no-store',
    ...(isUnauthorized && { 'www-authenticate': code === 'TOKEN_INVALID' ? 'Bearer error="invalid_token"' : 'Bearer' }),
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  };
}
