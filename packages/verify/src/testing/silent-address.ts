import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** An address that takes no connection and refuses none, as that of a node which is gone. */
export interface SilentAddress extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

/** Listens and does nothing else any more, not even accept. */
const listener = `
  const server = require('node:net').createServer().listen({ host: process.argv[1], port: 0, backlog: 1 }, () => {
    process.stdout.write(server.address().port + '\\n', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;

/** Its queue of connections is full, so that the kernel drops whatever asks for one more. Linux has all of 127.0.0.0/8. */
export async function silentAddress(host = '127.0.0.2'): Promise<SilentAddress> {
  const child = spawn(process.execPath, ['--eval', listener, host], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const port = Number(line);
  const waiting: Socket[] = [];
  // More than the queue holds: those that got no place hold the places of no one.
  for (let count = 0; count < 8; count += 1) waiting.push(connect({ host, port }).on('error', () => undefined));
  await Promise.race(waiting.map((socket) => once(socket, 'connect')));
  return {
    host,
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of waiting) socket.destroy();
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
