import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { environmentOf, mountSecret } from './testing/world.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

test('the process listens at once, drains at SIGTERM and exits 0', async () => {
  await using nothing = await mountSecret({});
  const env = { PATH: process.env['PATH'], ...environmentOf({ keys: nothing, secrets: nothing, mongodb: nothing }) };
  const child = spawn(process.execPath, ['--conditions=authstack-source', main], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let output = '';
    for await (const chunk of child.stdout) {
      output += String(chunk);
      if (output.includes('"listening"')) break;
    }
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
  } finally {
    child.kill('SIGKILL');
  }
});

test('an incomplete environment ends the process with a line per variable', async () => {
  const child = spawn(process.execPath, ['--conditions=authstack-source', main], {
    env: {},
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += String(chunk);
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(78);
  expect(errors).toContain('AUTHSTACK_ISSUER: is not set');
});
