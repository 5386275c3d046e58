import { join } from 'node:path';
import { openMongod } from '../mongod/connection.ts';
import type { Mongod } from '../mongod/connection.ts';
import type { Pod } from './pod.ts';

/** The pod's mongod, bypassing the agent. */
export function direct(pod: Pod): Mongod & AsyncDisposable {
  const mongod = openMongod({ port: Number(pod.host.split(':')[1]), keyFiles: [join(pod.gateDir, 'keyfile')] });
  return { ...mongod, [Symbol.asyncDispose]: mongod.close };
}
