import { createHash, timingSafeEqual } from 'node:crypto';
import type { Millis } from '@authstack/http-service/clock';
import type { Client } from './clients.ts';
import { InvalidClient } from './errors.ts';

/**
 * At least two are valid at once while one takes the place of another.
 *
 * @throws InvalidClient
 */
export function checkClientSecret(secret: string, { id, secrets }: Client, now: Millis): void {
  const shown = createHash('sha256').update(secret).digest();
  // Each is compared, in the same time whatever it is.
  const equal = secrets.filter(({ sha256 }) => sha256.length === shown.length && timingSafeEqual(sha256, shown));
  if (equal.some(({ endsAt }) => now < endsAt)) return;
  const again = 'read client-secret of its Secret again for every request';
  if (equal.length === 0) {
    throw new InvalidClient('wrong_secret', `the client secret is none of the ${secrets.length} of ${id}: ${again}`);
  }
  throw new InvalidClient(
    'expired_secret',
    `this client secret of ${id} has ended and another took its place: ${again}`,
  );
}
