import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import type { Clock } from './clock.ts';
import { connectTo } from './connect.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { silentAddress } from './testing/silent-address.ts';

/** As long as nothing else is said, no attempt ends by its time. */
const still = new FakeClock();
const forever = new AbortController().signal;

/** The first attempts, as many as this, end by their time as soon as nothing else happens. */
function impatientWith(attempts: number): { readonly clock: Clock; readonly begun: () => number } {
  let begun = 0;
  const clock: Clock = {
    now: () => 0,
    after(_delay, callback) {
      begun += 1;
      if (begun > attempts) return () => undefined;
      const timer = setImmediate(callback);
      return () => {
        clearImmediate(timer);
      };
    },
  };
  return { clock, begun: () => begun };
}

async function listening(host: string, port = 0): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((socket) => socket.on('error', () => undefined).end()).listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

const to = (...addresses: readonly string[]) => ({ lookup: () => Promise.resolve(addresses) });

test('an address that does not answer is left for the next one of the name', async () => {
  await using silent = await silentAddress();
  await using good = await listening('127.0.0.3', silent.port);
  const { clock } = impatientWith(1);
  const target = { host: 'auth.test', port: good.port };
  const socket = await connectTo(target, { clock, signal: forever, ...to(silent.host, '127.0.0.3') });
  expect(socket.remoteAddress).toBe('127.0.0.3');
  socket.destroy();
});

test('an address that refuses is left for the next one of the name', async () => {
  await using good = await listening('127.0.0.3');
  const target = { host: 'auth.test', port: good.port };
  const socket = await connectTo(target, { clock: still, signal: forever, ...to('127.0.0.4', '127.0.0.3') });
  expect(socket.remoteAddress).toBe('127.0.0.3');
  socket.destroy();
});

test('the last address is waited for no longer than the others, and one alone is tried three times', async () => {
  await using silent = await silentAddress();
  for (const addresses of [[silent.host], ['127.0.0.4', '127.0.0.5', '127.0.0.6', silent.host]]) {
    const { clock, begun } = impatientWith(Infinity);
    const target = { host: 'auth.test', port: silent.port };
    const connecting = connectTo(target, { clock, signal: forever, ...to(...addresses) });
    await expect(connecting).rejects.toThrow(`${silent.host}, port ${silent.port}: no connection within 500 ms`);
    expect(begun()).toBe(Math.max(3, addresses.length));
  }
});

test('once the caller gives up, neither a connection nor a name lookup is waited for', async () => {
  await using silent = await silentAddress();
  const never = { lookup: () => new Promise<never>(() => undefined) };
  for (const name of [to(silent.host), never]) {
    const caller = new AbortController();
    const connecting = connectTo(
      { host: 'auth.test', port: silent.port },
      { clock: still, signal: caller.signal, ...name },
    );
    setImmediate(() => {
      caller.abort(new Error('no time left'));
    });
    await expect(connecting).rejects.toThrow('no time left');
  }
});

test('a name without an address, or an unknown one, fails with an error that names it', async () => {
  const target = { host: 'nowhere.invalid', port: 1 };
  await expect(connectTo(target, { clock: still, signal: forever, ...to() })).rejects.toThrow('nowhere.invalid');
  await expect(connectTo(target, { clock: still, signal: forever })).rejects.toThrow('nowhere.invalid');
});
