import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { createAuthority, writeTlsFiles } from '../../../services/mongodb-agent/src/testing/certificates.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { createHttpService } from './service.ts';
import type { HttpService, HttpServiceOptions } from './service.ts';

const defaults: Omit<HttpServiceOptions, 'log' | 'registry'> = {
  app: express().get('/', (_request, response) => {
    response.send('served');
  }),
  ports: { public: 0, ops: 0 },
  drain: 0,
  finishWithin: 1_000,
  missing: () => [],
  finish: () => undefined,
  clock: systemClock,
};

async function started(options: Partial<HttpServiceOptions>): Promise<{ service: HttpService; log: string[] }> {
  const log: string[] = [];
  const logger = pino({}, { write: (line: string) => log.push(line) });
  const service = createHttpService({ ...defaults, registry: new Registry(), log: logger, ...options });
  await service.start();
  return { service, log };
}

async function ask(port: number, path: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: answer.status, text: await answer.text() };
}

test('a service that stops turns unready, is served on for the drain, and answers probes to the very end', async () => {
  const drained = Promise.withResolvers<undefined>();
  const clock: Clock = {
    ...systemClock,
    after(delay, callback) {
      if (delay !== 5_000) return systemClock.after(delay, callback);
      void drained.promise.then(callback);
      return () => undefined;
    },
  };
  const atFinish: unknown[] = [];
  const { service } = await started({
    clock,
    drain: 5_000,
    documents: { '/status': (missing) => ({ missing }) },
    async finish() {
      atFinish.push(await ask(ports.ops, '/healthz'));
      await expect(ask(ports.public, '/')).rejects.toThrow();
    },
  });
  const { ports } = service;
  expect(await ask(ports.ops, '/readyz')).toEqual({ status: 200, text: 'ok\n' });

  const stopped = service.stop();

  expect(await ask(ports.ops, '/readyz')).toEqual({ status: 503, text: 'draining\n' });
  expect(await ask(ports.ops, '/status')).toEqual({ status: 200, text: '{"missing":["draining"]}\n' });
  expect(await ask(ports.public, '/')).toEqual({ status: 200, text: 'served' });
  drained.resolve(undefined);
  await stopped;
  expect(atFinish).toEqual([{ status: 200, text: 'ok\n' }]);
  await expect(ask(ports.ops, '/healthz')).rejects.toThrow();
});

test('a probe that fails says why in the log alone', async () => {
  const { service, log } = await started({
    missing: () => {
      throw new Error('inner detail');
    },
  });
  expect(await ask(service.ports.ops, '/readyz')).toEqual({ status: 500, text: 'failed\n' });
  expect(log.join('')).toContain('inner detail');
  expect((await ask(service.ports.ops, '/nothing')).status).toBe(404);
  await service.stop();
});

test('the listener for services is drained as the public one is, and takes a renewed certificate', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'services-tls-'));
  const [first, second] = [await createAuthority(), await createAuthority()];
  await writeTlsFiles(directory, first, await first.issue('shop-auth'));
  const begun = Promise.withResolvers<() => void>();
  const looks: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    after(delay, callback) {
      if (delay === 5_000) looks.push(callback);
      else if (delay === 7_000) begun.resolve(callback);
      else return systemClock.after(delay, callback);
      return () => undefined;
    },
  };
  const app = express().get('/', (_request, response) => {
    response.send('for services');
  });
  const { service } = await started({
    clock,
    drain: 7_000,
    services: { tlsDir: directory, app, keptFor: 15_000 },
    ports: { public: 0, ops: 0, services: 0 },
  });
  const { services = 0 } = service.ports;
  expect(await askTls(services, first.cert)).toMatchObject({ status: 200, text: 'for services' });
  expect((await ask(service.ports.ops, '/metrics')).text).toContain('http_connections{listener="services"}');

  await writeTlsFiles(directory, second, await second.issue('shop-auth'));
  looks.shift()?.();
  while (looks.length === 0) await new Promise(setImmediate);
  expect(await askTls(services, second.cert)).toMatchObject({ status: 200 });
  await expect(askTls(services, first.cert)).rejects.toThrow('certificate');

  const stopped = service.stop();
  const drained = await begun.promise;
  expect(await askTls(services, second.cert)).toMatchObject({ status: 200, connection: 'close' });
  drained();
  await stopped;
  await expect(askTls(services, second.cert)).rejects.toThrow('ECONNREFUSED');
  await rm(directory, { recursive: true });
});

function askTls(port: number, ca: string): Promise<{ status: number; text: string; connection: string | undefined }> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', servername: 'localhost', ca, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += String(chunk)));
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, text, connection: answer.headers.connection });
      });
    }).on('error', reject);
  });
}
