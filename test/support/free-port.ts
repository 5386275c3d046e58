import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import process from 'node:process';

/*
 * A server that a test starts binds its port a while after the port was chosen, and binds it again after each restart. Until
 * then the kernel may give a port of its ephemeral range to any outgoing connection, so ports come from below that range,
 * and each of jest's processes has its own:
 *
 *   FIRST ──────────────────────────────── ephemeral range
 *     0 1 2 … 15 0 1 2 … 15 0 1 2 … 15     process n takes every 16th, from a place of its own on
 */
const FIRST = 12_000;
const LANES = 16;
const END = readEphemeralStart();
const lane = Number(process.env['JEST_WORKER_ID'] ?? 0) % LANES;
const rounds = Math.floor((END - FIRST) / LANES);

let round = (process.pid * 7) % rounds;

/** A TCP port of the loopback interface that nobody listens on, and that nobody else is given for a while. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < rounds; tries += 1) {
    round = (round + 1) % rounds;
    const port = FIRST + round * LANES + lane;
    if (await canListenOn(port)) return port;
  }
  throw new Error(`every port from ${FIRST} to ${END} is taken`);
}

async function canListenOn(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** ip(7): the first port that the kernel may give to a socket that names none. */
function readEphemeralStart(): number {
  const [start] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/);
  return Number(start);
}
