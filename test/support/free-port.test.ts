import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { freePort } from './free-port.ts';

test('a port for later is none that the kernel gives to connections meanwhile', async () => {
  const [start] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/).map(Number);

  for (let round = 0; round < 50; round += 1) await expect(freePort()).resolves.toBeLessThan(start ?? 0);
});

test('no port is given twice in a row, and none that somebody listens on', async () => {
  const first = await freePort();
  const second = await freePort();
  expect(second).not.toBe(first);

  const next = second + (second - first);
  const taken = createServer().listen(next, '127.0.0.1');
  await once(taken, 'listening');
  await expect(freePort()).resolves.not.toBe(next);
  taken.close();
});
