import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { claimsAt, signingKey, tokenOf } from '../../../../packages/verify/src/testing/issuer.ts';
import { consumerSecret, secretMount } from '../../../../packages/verify/src/testing/secret-mount.ts';
import type { Files, SecretMount } from '../../../../packages/verify/src/testing/secret-mount.ts';
import { systemClock } from '@authstack/http-service/clock';
import type { Clock } from '@authstack/http-service/clock';
import { readEnvironment } from '../environment.ts';
import { logOptions } from '@authstack/http-service/log-options';
import type { Ticket } from '../orders/catalogue.ts';
import { createService } from '../service.ts';
import type { HttpService } from '@authstack/http-service/service';

export const key = signingKey('k1');

/** A volume and a mounted Secret; services come and go on them. */
export interface Premises extends AsyncDisposable {
  readonly secret: SecretMount;
  readonly environment: Readonly<Record<string, string>>;
}

export async function premises(files: Files | undefined = consumerSecret([key])): Promise<Premises> {
  const secret = await secretMount(files);
  const volume = await mkdtemp(join(tmpdir(), 'orders-'));
  return {
    secret,
    environment: {
      ORDERS_AUTH_DIR: secret.directory,
      ORDERS_DATABASE: join(volume, 'orders.sqlite'),
      ORDERS_HTTP_PORT: '0',
      ORDERS_PROBE_PORT: '0',
      ORDERS_DRAIN_SECONDS: '0',
    },
    async [Symbol.asyncDispose]() {
      await secret[Symbol.asyncDispose]();
      await rm(volume, { recursive: true, force: true });
    },
  };
}

export const tickets: readonly Ticket[] = [
  { id: 'plenty', title: 'Plenty', price: { amount: 100, currency: 'EUR' }, stock: 1000 },
  { id: 'last', title: 'The last one', price: { amount: 200, currency: 'EUR' }, stock: 1 },
];

export interface Shop extends AsyncDisposable {
  readonly service: HttpService;
  readonly url: string;
  readonly isUndocumented: true;
  readonly probes: string;
  readonly log: readonly string[];
}

export async function openShop({ environment }: Premises, clock: Clock = systemClock): Promise<Shop> {
  const log: string[] = [];
  const settings = readEnvironment(environment);
  const logger = pino(logOptions(settings), { write: (line: string) => log.push(line) });
  const service = createService(settings, { clock, log: logger, catalogue: tickets });
  await service.start();
  return {
    service,
    url: `http://127.0.0.1:${service.ports.public}`,
    isUndocumented: true,
    probes: `http://127.0.0.1:${service.ports.ops}`,
    log,
    [Symbol.asyncDispose]: () => service.stop(),
  };
}

/** Headers of a signed-in user. */
export function as(userId: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${tokenOf(key, { ...claimsAt(systemClock), sub: userId })}` };
}

export function withCookie(userId: string): Readonly<Record<string, string>> {
  const token = tokenOf(key, { ...claimsAt(systemClock), sub: userId });
  return { cookie: `__Host-token=${token}; __Host-session=SESSION-SECRET` };
}
