import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApiServer } from '../../../../test/support/api-server.ts';
import type { ApiServer } from '../../../../test/support/api-server.ts';
import { freePort } from '../../../../test/support/free-port.ts';
import { startServer } from '../../../../test/support/processes.ts';
import type { Server } from '../../../../test/support/processes.ts';
import type { Condition } from '../objects.ts';
import { eventually } from '../testing/eventually.ts';
import { installKind } from '../testing/widget.ts';
import { greetingKind } from './greeting.ts';

let api: ApiServer;
let folder: string;
let greeter: Server | undefined;
let port: number;

/** The example as a stranger would start it. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'example-'));
  api = await startApiServer();
  await installKind(api, greetingKind);
  port = await freePort();
  const ready = async (): Promise<void> => {
    const { ok, status } = await fetch(`http://127.0.0.1:${port}/readyz`);
    if (!ok) throw new Error(`readyz answers ${status}`);
  };
  const args = [`KUBECONFIG=${api.kubeconfig}`, `PORT=${port}`, process.execPath, join(import.meta.dirname, 'main.ts')];
  greeter = await startServer('env', args, { log: join(folder, 'greeter.log'), answers: ready });
}, 120_000);

afterAll(async () => {
  await greeter?.kill();
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function greet(name: string, to: string): Promise<void> {
  const { apiVersion, kind } = greetingKind;
  await api.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion, kind, metadata: { name }, spec: { to } }));
}

const textOf = (name: string): Promise<string> =>
  api.kubectl(['get', 'configmap', name, '-o', 'jsonpath={.data.text}']);

test('the example greets, follows the spec, and greets again when somebody takes the greeting away', async () => {
  await greet('world', 'world');
  await eventually(async () => {
    expect(await textOf('world')).toBe('Hello, world!');
  });
  await greet('world', 'Ada');
  await eventually(async () => {
    expect(await textOf('world')).toBe('Hello, Ada!');
  });
  await api.kubectl(['delete', 'configmap', 'world']);
  await eventually(async () => {
    expect(await textOf('world')).toBe('Hello, Ada!');
  });
}, 60_000);

test('the example reports what only its user can mend', async () => {
  await greet('nobody', '');
  await eventually(async () => {
    const text = await api.kubectl(['get', 'greeting', 'nobody', '-o', 'jsonpath={.status.conditions}']);
    expect((JSON.parse(text) as Condition[])[0]).toMatchObject({
      status: 'Unknown',
      reason: 'ReconcileFailed',
      message: expect.stringContaining('spec.to is empty'),
    });
  });
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  expect(metrics).toContain('controller_runtime_terminal_reconcile_errors_total{controller="greeting"} 1');
}, 60_000);

test('the README shows the example that is tested', async () => {
  const readme = await readFile(join(import.meta.dirname, '../README.md'), 'utf8');
  for (const file of ['greeting.ts', 'main.ts']) {
    expect(readme).toContain(await readFile(join(import.meta.dirname, file), 'utf8'));
  }
});
