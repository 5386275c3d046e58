import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { startApiServer } from '../support/api-server.ts';

const folder = join(import.meta.dirname, '../../examples');

interface Example {
  readonly kind: string;
  readonly spec: Readonly<Record<string, unknown>>;
}

async function example(file: string, kind: string): Promise<Example['spec']> {
  const documents = parseAllDocuments(await readFile(join(folder, file), 'utf8'));
  const found = documents.map((document) => document.toJS() as Example).find((one) => one.kind === kind);
  if (!found) throw new Error(`${file} has no ${kind}`);
  return found.spec;
}

test('an API server takes every example, field by field', async () => {
  await using api = await startApiServer({ crds: true });
  for (const file of ['demo.yaml', 'orders.yaml', 'gateway.yaml']) {
    await api.kubectl(['apply', '--server-side', '--validate=strict', '-f', join(folder, file)]);
  }
}, 120_000);

test('the pods of orders are who its AuthConsumer says, and their token is for the stack of the demo', async () => {
  const stack = await example('demo.yaml', 'AuthStack');
  const consumer = await example('orders.yaml', 'AuthConsumer');
  const { template } = (await example('orders.yaml', 'Deployment')) as {
    template: { spec: { serviceAccountName: string; volumes: { name: string; projected?: { sources: object[] } }[] } };
  };
  const { serviceAccountName, volumes } = template.spec;
  expect(consumer['identity']).toEqual({ serviceAccountName });
  expect(volumes.find(({ name }) => name === 'auth')?.projected?.sources).toEqual([
    { secret: { name: consumer['secretName'] } },
    { serviceAccountToken: { path: 'token', audience: stack['publicURL'] } },
  ]);
});
