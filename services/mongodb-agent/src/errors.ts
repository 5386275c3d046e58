import { OperatorRefusal } from '@authstack/http-service/operator-problems';
import type { ErrorCode } from './api.ts';

/** A refusal that the caller can act on; `message` has what was observed and what to do. */
export class Refusal extends OperatorRefusal<ErrorCode> {
  override readonly name = 'Refusal';
}

export function isErrno(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}

export function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}
