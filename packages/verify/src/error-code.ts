import { isRecord } from './json.ts';

/** `ENOENT` and the like; for messages. */
export function codeOf(error: unknown): string {
  return isRecord(error) && typeof error['code'] === 'string' ? error['code'] : 'unknown error';
}
