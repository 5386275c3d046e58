import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { systemClock } from './clock.ts';
import { claimsAt, signingKey, tokenOf } from './testing/issuer.ts';
import { consumerSecret, secretMount } from './testing/secret-mount.ts';

/** Functions of the service's that throw. Each is run in a process of its own, for what is uncaught ends a process. */

const root = fileURLToPath(new URL('..', import.meta.url));
const key = signingKey('k1');
const authorization = `Bearer ${tokenOf(key, claimsAt(systemClock))}`;

const handlers = [
  ['throws', `() => { throw new Error('a fault of the handler'); }`],
  ['rejects', `async () => { throw new Error('a fault of the handler'); }`],
] as const;

test.each(handlers)(
  'behind plain node:http a handler that %s is called once, and its error is uncaught',
  async (_how, handler) => {
    const output = await run(`
    const guard = createVerifier({ directory }).requireUser();
    let calls = 0;
    const handler = ${handler};
    process.on('uncaughtException', (error) => {
      console.log('uncaught: ' + error.message);
      // A second call would come in this turn of the loop.
      setImmediate(() => { console.log('calls: ' + calls); process.exit(); });
    });
    await ask((request, response) => guard(request, response, () => { calls += 1; return handler(request, response); }));
  `);
    expect(output).toEqual({ stdout: 'uncaught: a fault of the handler\ncalls: 1\n', warnings: [] });
  },
);

test.each([
  ['throws', `() => { throw new Error('a fault of report'); }`],
  ['rejects', `async () => { throw new Error('a fault of report'); }`],
])('a report that %s stops neither verifier nor request, and is one warning', async (_how, report) => {
  const output = await run(`
    const verifier = createVerifier({ directory, report: ${report} });
    console.log(verifier.status.state);
    const listener = (request, response) => verifier.requireUser()(request, response, () => response.end('handled'));
    console.log(await ask(listener), await ask(listener, {}));
    process.exit();
  `);
  expect(output.stdout).toBe('ready\n200 handled 401 UNAUTHENTICATED\n');
  expect(output.warnings).toEqual([
    '[AUTHSTACK_REPORT] Warning: createVerifier: report threw; its further errors are dropped',
  ]);
});

interface Output {
  readonly stdout: string;
  readonly warnings: readonly string[];
}

async function run(code: string): Promise<Output> {
  await using mount = await secretMount(consumerSecret([key]));
  const prelude = `
    import { createServer } from 'node:http';
    import { createVerifier } from '@authstack/verify';
    const directory = ${JSON.stringify(mount.directory)};
    async function ask(listener, headers = { authorization: ${JSON.stringify(authorization)} }) {
      const server = createServer(listener).listen(0);
      await new Promise((resolve) => server.once('listening', resolve));
      const answer = await fetch('http://127.0.0.1:' + server.address().port, { headers });
      const body = await answer.text();
      return answer.status + ' ' + (body.startsWith('{') ? JSON.parse(body).code : body);
    }
  `;
  const args = ['--conditions=authstack-source', '--input-type=module', '--eval', prelude + code];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const warnings = [...stderr.matchAll(/\(node:\d+\) (.*)/g)].map(([, warning = '']) => warning);
  return { stdout, warnings };
}
