import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { createAuthority, writeTlsFiles } from './testing/certificates.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));

test('the process serves, and ends with 0 on TERM, also during a TLS handshake', async () => {
  const home = await mkdtemp(join(tmpdir(), 'authstack-agent-'));
  const authority = await createAuthority();
  await writeTlsFiles(home, authority, await authority.issue('agent'));
  const agent = start({
    ...{ AGENT_POD_UID: 'pod-0', AGENT_TLS_DIR: home, AGENT_DATA_DIR: home, AGENT_GATE_DIR: home },
    ...{ AGENT_API_PORT: '0', AGENT_PROBE_PORT: '0' },
  });
  try {
    const { apiPort, probePort } = await servingOn(agent);
    await expect(fetch(`http://127.0.0.1:${probePort}/healthz`)).resolves.toMatchObject({ status: 200 });
    // It has yet to begin its TLS handshake.
    const caller = connect(apiPort, '127.0.0.1');
    await once(caller, 'connect');
    const ended = once(agent, 'exit');
    agent.kill('SIGTERM');
    await expect(ended).resolves.toEqual([0, null]);
  } finally {
    agent.kill('SIGKILL');
    await rm(home, { recursive: true });
  }
});

test('a missing variable ends the process and is named', async () => {
  const agent = start({});
  const chunks: string[] = [];
  agent.stderr?.on('data', (chunk) => chunks.push(String(chunk)));

  await expect(once(agent, 'close')).resolves.toEqual([1, null]);
  expect(chunks.join('')).toContain('AGENT_POD_UID');
});

function start(env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(process.execPath, ['--conditions=authstack-source', main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

interface Ports {
  readonly apiPort: number;
  readonly probePort: number;
}

async function servingOn(agent: ChildProcess): Promise<Ports> {
  if (!agent.stdout) throw new Error('no output');
  for await (const line of createInterface(agent.stdout)) {
    const { msg, ...ports } = JSON.parse(line) as Ports & { msg?: string };
    if (msg === 'serving') return ports;
  }
  throw new Error('the agent ended before it served');
}
