import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { auditedRequests, startApiServer } from '../../test/support/api-server.ts';
import type { ApiServer, AuditedRequest } from '../../test/support/api-server.ts';
import { applyTo } from '../../test/support/installed-operator.ts';
import { eventually } from './runtime/testing/eventually.ts';
import { startHurriedOperator } from './testing/start-hurried-operator.ts';
import type { HurriedOperator } from './testing/start-hurried-operator.ts';

/** While nothing changes, an operator costs the API server nothing but its watches and its lease. */

const names = ['one', 'two', 'three', 'four'];

let folder: string;
let api: ApiServer;
let operator: HurriedOperator;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'idle-'));
  api = await startApiServer({ auditLog: join(folder, 'audit.log') });
  operator = await startHurriedOperator(api, { folder });
}, 120_000);

afterAll(async () => {
  await operator.server.kill('SIGKILL');
  await api[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function authStack(name: string): object {
  return {
    apiVersion: 'authstack.dev/v1alpha1',
    kind: 'AuthStack',
    metadata: { name, namespace: 'auth' },
    spec: { publicURL: `https://${name}.example.com`, auth: { audience: ['shop'] } },
  };
}

async function passes(): Promise<number> {
  const counts = (await operator.metrics()).matchAll(/^controller_runtime_reconcile_total\{.*"authstack".*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Each stack has had so many further passes; between two of them are at most 15 of the operator's seconds. */
async function lookedAt(times: number): Promise<void> {
  const before = await passes();
  await eventually(async () => expect(await passes()).toBeGreaterThanOrEqual(before + times * names.length), {
    within: 60_000,
    every: 250,
  });
}

async function requests(): Promise<readonly string[]> {
  const all: readonly AuditedRequest[] = await auditedRequests(join(folder, 'audit.log'));
  return all
    .filter(({ user, verb }) => user.username === operator.user && verb !== 'watch')
    .map(({ verb, requestURI }) => `${verb} ${requestURI}`);
}

test('stacks that wait for their members are looked at again and again without a request', async () => {
  await applyTo(api, names.map(authStack));
  await eventually(async () => {
    const path = 'jsonpath={.items[*].status.conditions[?(@.type=="AuthReady")].reason}';
    const reasons = await api.kubectl(['-n', 'auth', 'get', 'authstacks', '-o', path]);
    expect(reasons.split(' ')).toEqual(names.map(() => 'WaitingForDatabase'));
  });
  await lookedAt(8);

  const before = await requests();
  // What is not there is looked for once a minute.
  await lookedAt(12);

  expect((await requests()).slice(before.length)).toEqual([]);
}, 120_000);
