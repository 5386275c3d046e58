import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from './pod.ts';
import type { Pod } from './pod.ts';

/** Resolves once a start of mongod waits at the gate, with its UUID. */
export async function waits(pod: Pod): Promise<string> {
  await eventually(pod.observe, { holds: ({ gate }) => gate === 'waiting' });
  return readFile(join(pod.gateDir, 'waiting'), 'utf8');
}

export async function answers(pod: Pod): Promise<void> {
  await eventually(pod.observe, { holds: ({ mongod }) => mongod.state === 'answers' });
}

/** Ends the mongod container, and starts it again. */
export async function restarts(pod: Pod): Promise<void> {
  await pod.endContainer('SIGKILL');
  pod.startContainer();
}
