import type { Millis } from './objects.ts';

/**
 * For undici's `connect.timeout`, in a connection to a pod. One whose node is gone neither accepts nor refuses, and a pass must not
 * wait for it. undici counts in steps of half a second, so it ends within 1 s.
 */
export const CONNECTS_WITHIN: Millis = 500;

/** The address of a pod as the host of a URL. */
export function hostOf(ip: string): string {
  return ip.includes(':') ? `[${ip}]` : ip;
}
