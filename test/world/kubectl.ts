import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { run } from '../../cluster/process.ts';
import { tool } from '../support/tools.ts';

/** The cluster that `make up` makes. */
const CONTEXT = 'kind-auth-stack';

export interface StoredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    /** Of the spec; only kinds that count it have it. */
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
}

export async function kubectl(args: readonly string[], input?: string): Promise<string> {
  return run(await tool('kubectl'), ['--context', CONTEXT, ...args], input === undefined ? {} : { input });
}

export async function get(namespace: string, kind: string, name: string): Promise<StoredObject> {
  return JSON.parse(await kubectl(['-n', namespace, 'get', kind, name, '-o', 'json'])) as StoredObject;
}

/** undefined when there is none. */
export async function find(namespace: string, kind: string, name: string): Promise<StoredObject | undefined> {
  const found = await kubectl(['-n', namespace, 'get', kind, name, '-o', 'json', '--ignore-not-found']);
  return found.trim() === '' ? undefined : (JSON.parse(found) as StoredObject);
}

export async function list(namespace: string, kind: string, selector: string): Promise<readonly StoredObject[]> {
  const found = await kubectl(['-n', namespace, 'get', kind, '-l', selector, '-o', 'json']);
  return (JSON.parse(found) as { items: StoredObject[] }).items;
}

export async function apply(...manifests: readonly object[]): Promise<void> {
  const documents = { apiVersion: 'v1', kind: 'List', items: manifests };
  await kubectl(['apply', '--server-side', '--field-manager=e2e', '-f', '-'], JSON.stringify(documents));
}

/** Opens a local port to one pod; ends with the returned object. */
export async function portForward(
  namespace: string,
  pod: string,
  port: number,
): Promise<AsyncDisposable & { readonly port: number }> {
  const args = ['--context', CONTEXT, '-n', namespace, 'port-forward', `pod/${pod}`, `:${port}`];
  const child = spawn(await tool('kubectl'), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const local = await firstPort(child);
  return {
    port: local,
    [Symbol.asyncDispose]: () => {
      child.kill();
      return Promise.resolve();
    },
  };
}

async function firstPort(child: ChildProcess): Promise<number> {
  if (!child.stdout) throw new Error('kubectl port-forward has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const [, port] = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    if (port !== undefined) return Number(port);
  }
  throw new Error('kubectl port-forward ended before it opened a port');
}
