import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { SessionInvalid } from '../sessions/errors.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { ClientRenewals } from './client-renewals.ts';
import { TooManyAttempts } from './errors.ts';
import { renewalsOfClient, renewalsOfSession } from './limits.ts';

const { signal } = new AbortController();

function somewhere() {
  const lines: string[] = [];
  const metrics = createMetrics();
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const renewals = new ClientRenewals({ log, metrics });
  return {
    lines,
    metrics,
    renewals,
    renew: (client: string, session: string) =>
      renewals.admit({ client, session, signal }, () => Promise.resolve(session)),
    junk: (client: string, session: string) =>
      renewals.admit({ client, session, signal }, () => Promise.reject(new SessionInvalid())),
  };
}

test('any number of invented sessions uses up nothing of what real ones are given', async () => {
  const { renew, junk, lines } = somewhere();
  for (let count = 0; count < 10 * renewalsOfSession.points; count += 1) {
    await expect(junk('shop/orders', `junk-${count}`)).rejects.toThrow(SessionInvalid);
    await expect(junk('shop/orders', 'real')).rejects.toThrow(SessionInvalid);
  }
  await expect(renew('shop/orders', 'real')).resolves.toBe('real');
  expect(lines).toEqual([]);
});

test('a session is renewed so often and not more, whichever client asks, and no other one pays for it', async () => {
  const { renew, lines, metrics } = somewhere();
  for (let count = 0; count < renewalsOfSession.points; count += 1) {
    await renew(count % 2 === 0 ? 'shop/orders' : 'shop/tickets', 'busy');
  }
  await expect(renew('shop/orders', 'busy')).rejects.toThrow(TooManyAttempts);
  await expect(renew('shop/orders', 'busy')).rejects.toMatchObject({ retryAfterSeconds: renewalsOfSession.seconds });
  await expect(renew('shop/orders', 'other')).resolves.toBe('other');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('"by":"session","client":"shop/orders"');
  expect((await metrics.throttled.get()).values).toMatchObject([{ labels: { by: 'session' }, value: 2 }]);
});

test('a client that floods waits for itself: others have places of their own, and its own come in their turn', async () => {
  const { renewals, renew } = somewhere();
  const held = Promise.withResolvers<undefined>();
  const order: string[] = [];
  const ask = (session: string): Promise<unknown> =>
    renewals.admit({ client: 'shop/orders', session, signal }, async () => {
      await held.promise;
      order.push(session);
    });
  const { places, waiting } = renewalsOfClient;
  const flood = Array.from({ length: places + waiting - 1 }, (_, index) => ask(`junk-${index}`));
  const last = ask('real');

  await expect(ask('one too many')).rejects.toMatchObject({ code: 'TOO_MANY_ATTEMPTS', retryAfterSeconds: 1 });
  await expect(renew('shop/tickets', 'theirs')).resolves.toBe('theirs');

  held.resolve(undefined);
  await Promise.all([...flood, last]);
  expect(order).toHaveLength(places + waiting);
  expect(order.at(-1)).toBe('real');
});

test('whoever hangs up while it waits leaves the line', async () => {
  const { renewals } = somewhere();
  const held = Promise.withResolvers<undefined>();
  const ask = (of: AbortSignal): Promise<unknown> =>
    renewals.admit({ client: 'shop/orders', session: 'any', signal: of }, () => held.promise);
  const running = Array.from({ length: renewalsOfClient.places }, () => ask(signal));
  const hangUp = new AbortController();
  const waiting = ask(hangUp.signal);
  hangUp.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'CLIENT_GONE' });
  held.resolve(undefined);
  await Promise.all(running);
});
