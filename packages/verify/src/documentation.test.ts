import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import * as api from './index.ts';
import { systemClock } from './clock.ts';
import { claimsAt, ISSUER, signingKey, tokenOf } from './testing/issuer.ts';
import { consumerSecret, secretMount } from './testing/secret-mount.ts';

const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..');
const readme = join(packageRoot, 'README.md');
const guide = join(packageRoot, '../../docs/consumers.md');

const key = signingKey('k1');
const cookie = `__Host-token=${tokenOf(key, claimsAt(systemClock))}`;
const fromPage = { cookie, origin: ISSUER, 'content-type': 'application/json' };

test('the example of the README runs', async () => {
  await using mount = await secretMount(consumerSecret([key]));
  await using example = await runExample(readme, mount.directory);
  expect((await fetch(`${example.url}/api/whoami`)).status).toBe(401);
  const answer = await fetch(`${example.url}/api/whoami`, { headers: { cookie } });
  expect(await answer.json()).toEqual({ id: 'user-1', roles: ['user'] });
});

test('the example of the guide runs', async () => {
  await using mount = await secretMount(consumerSecret([key]));
  await using example = await runExample(guide, mount.directory);
  expect((await fetch(`${example.url}/readyz`)).status).toBe(200);
  expect(await (await fetch(`${example.url}/catalogue`)).json()).toEqual({ greeting: 'Hello stranger' });
  const order = { method: 'POST', headers: fromPage, body: '{"ticketId":"standing"}' };
  const answer = await fetch(`${example.url}/orders`, order);
  expect(await answer.json()).toEqual({ buyer: 'user-1', ticket: 'standing' });
  expect((await fetch(`${example.url}/orders`, { method: 'DELETE', headers: fromPage })).status).toBe(403);
});

test('the README lists the code and the status of every error', async () => {
  const text = await readFile(readme, 'utf8');
  const listed = [...text.matchAll(/^\| `(\w+)` \| `([A-Z_]+)` \| (\d+) \|/gm)].map(([, ...row]) => row.join(' '));
  expect(listed.toSorted()).toEqual(everyError().toSorted());
});

test('the package depends on nothing but Node', async () => {
  const manifest: unknown = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8'));
  expect(manifest).not.toHaveProperty('dependencies');
  const sources = (await readdir(join(packageRoot, 'src'))).filter((name) => /(?<!\.test)\.ts$/.test(name));
  const texts = await Promise.all(sources.map((name) => readFile(join(packageRoot, 'src', name), 'utf8')));
  const imported = texts.flatMap((text) => [...text.matchAll(/ from '([^']+)'/g)].map(([, from]) => from));
  expect(imported.filter((from) => !/^(node:|\.\/)/.test(from ?? ''))).toEqual([]);
});

function everyError(): string[] {
  return Object.values(api).flatMap((exported) => {
    const isConcrete =
      'prototype' in exported && exported.prototype instanceof api.VerifyError && exported !== api.TokenError;
    if (!isConcrete) return [];
    const { code, status } = new (exported as new (argument: object) => api.VerifyError)({});
    return [`${exported.name} ${code} ${status}`];
  });
}

/** Runs a document's first example as it stands there, but for the directory and the port. */
async function runExample(path: string, directory: string): Promise<AsyncDisposable & { url: string }> {
  const [, code = ''] = /```js\n([^]*?)```/.exec(await readFile(path, 'utf8')) ?? [];
  const here = code
    .replace("'/etc/authstack'", JSON.stringify(directory))
    .replace('app.listen(3000);', 'const server = app.listen(0, () => console.log(server.address().port));');
  const args = ['--conditions=authstack-source', '--input-type=module', '--eval', here];
  const child = spawn(process.execPath, args, { cwd: packageRoot, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const [port] = (await Promise.race([once(child.stdout, 'data'), ended])) as [unknown];
  return {
    url: `http://127.0.0.1:${String(port).trim()}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
