import { z } from 'zod';
import { listed } from '../runtime/listed.ts';

/**
 * The fields of a stored spec that are invalid, and why; undefined where all are valid. The API server refuses such a spec
 * when it is written, so it was written under another version of the CRD, or while the CRD validated less.
 */
export function schemaErrorOf(spec: unknown, schema: z.ZodType): string | undefined {
  const issues = schema.safeParse(spec).error?.issues;
  return issues && listed(issues.map(({ path, message }) => `${['spec', ...path].join('.')}: ${message}`));
}
