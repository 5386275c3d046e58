import { z } from 'zod';

/**
 * What of a stored spec does not fit the schema, by field, as people would look for it. The API server refuses such a spec
 * when it is written, so it was written under another version of the CRD, or while the CRD validated less.
 */
export function misfitOf(spec: unknown, schema: z.ZodType): string | undefined {
  const issues = schema.safeParse(spec).error?.issues;
  return issues?.map(({ path, message }) => `${['spec', ...path].join('.')}: ${message}`).join('; ');
}
