import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { otherSpellings, statusOf } from '@authstack/http-service/testing/other-spellings';
import { z } from 'zod';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { send } from '../testing/visitor.ts';

let stack: TestStack;
let page: string;

beforeAll(async () => {
  page = await mkdtemp(join(tmpdir(), 'page-'));
  await mkdir(join(page, 'assets'));
  await writeFile(join(page, 'index.html'), '<!doctype html><head><title>Sign in</title></head>');
  await writeFile(join(page, 'icon.svg'), '<svg/>');
  await writeFile(join(page, 'assets', 'index-abc123.js'), 'export {};');
  stack = await startStack({ environment: { AUTHSTACK_SIGN_IN_DIR: page } });
}, 60_000);

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(page, { recursive: true });
});

const document = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });
const pageFiles = ['GET /index.html', 'GET /icon.svg', 'GET /assets/index-abc123.js'];

test('every operation and every file of the page has one path: no other spelling of it is answered', async () => {
  const [pod] = stack.pods;
  const { paths } = document.parse((await send(pod, 'GET /openapi.json')).body);
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('{id}', 'A'.repeat(22))}`),
  );
  expect(operations.length).toBeGreaterThan(9);
  for (const operation of [...operations, ...pageFiles]) {
    const [method = '', path = ''] = operation.split(' ');
    expect([operation, await statusOf(pod.url, method, path)]).not.toEqual([operation, 404]);
    for (const other of otherSpellings(path)) {
      expect([method, other, await statusOf(pod.url, method, other)]).toEqual([method, other, 404]);
    }
  }
}, 30_000);

test('the page itself is at / and nowhere else, and a proxy may send whole addresses', async () => {
  const [pod] = stack.pods;
  for (const target of ['/', '/?returnTo=%2Forders', `${pod.url}/`, `${pod.url}/openapi.json`]) {
    expect([target, await statusOf(pod.url, 'GET', target)]).toEqual([target, 200]);
  }
  for (const target of ['//', '/.', '/%2e', '/assets/..', '/index.html/', '/assets', '/assets/', `${pod.url}//`]) {
    expect([target, await statusOf(pod.url, 'GET', target)]).toEqual([target, 404]);
  }
});
