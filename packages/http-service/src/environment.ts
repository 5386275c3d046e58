import { z } from 'zod';
import type { Millis } from './clock.ts';

export class EnvironmentInvalid extends Error {
  override readonly name: string = 'EnvironmentInvalid';
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the variables, or names every one that is invalid. Values are not repeated. An empty variable is not set. */
export function parseEnvironment<T>(schema: z.ZodType<T>, environment: Environment): T {
  const set = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = schema.safeParse(set, { error: (issue) => (issue.input === undefined ? 'is not set' : undefined) });
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path: [name], message }) => `${String(name)}: ${message}`);
  throw new EnvironmentInvalid(`the environment is invalid:\n  ${lines.join('\n  ')}`);
}

/** Not coerced: a missing variable is missing, and not a number that is none. */
export function wholeNumber({ min = 0, max = Number.MAX_SAFE_INTEGER }: Bounds = {}): z.ZodType<number, string> {
  return z.string().regex(/^\d+$/, 'must be a whole number').transform(Number).pipe(z.int().min(min).max(max));
}

/** A variable in seconds, a setting in milliseconds. */
export function seconds(bounds: Bounds = {}): z.ZodType<Millis, string> {
  return wholeNumber(bounds).transform((value): Millis => value * 1000);
}

export const port: z.ZodType<number, string> = wholeNumber({ max: 65_535 });
export const absolutePath: z.ZodType<string, string> = z.string().startsWith('/', 'must be an absolute path');
export const logLevel: z.ZodType<string, string> = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']);

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}
