import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { agentContract } from './api.ts';
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

test('a command under way at TERM is answered, and with its answer the connection ends, as do a stream and what is idle', async () => {
  const home = await mkdtemp(join(tmpdir(), 'authstack-agent-'));
  const authority = await createAuthority();
  await writeTlsFiles(home, authority, await authority.issue('agent'));
  await writeFile(join(home, 'keyfile'), 'a key\n');
  const agent = start({
    ...{ AGENT_POD_UID: 'pod-0', AGENT_TLS_DIR: home, AGENT_DATA_DIR: home, AGENT_GATE_DIR: home },
    ...{ AGENT_API_PORT: '0', AGENT_PROBE_PORT: '0', AGENT_KEYFILE: join(home, 'keyfile') },
  });
  const { paths, clientCommonName } = agentContract;
  const connections = new Agent({ keepAlive: true });
  try {
    const { apiPort: port } = await servingOn(agent);
    const to = { port, servername: 'localhost', ca: authority.cert, ...(await authority.issue(clientCommonName)) };
    const command = (): ClientRequest =>
      request({
        ...{ ...to, agent: connections, method: 'POST', path: paths.keyfile },
        headers: { 'content-type': 'application/json', 'content-length': '2', expect: '100-continue' },
      });
    const served = await answerTo(command().end('{}'));
    expect([served.status, served.headers.connection]).toEqual([200, 'keep-alive']);
    const stream = (await once(request({ ...to, path: paths.watch }).end(), 'response')) as [IncomingMessage];
    stream[0].resume();
    const [underWay, idle] = [command(), command()];
    underWay.flushHeaders();
    idle.flushHeaders();
    // The agent has read the head of both, and begun to wait for the body.
    await Promise.all([once(underWay, 'continue'), once(idle, 'continue')]);
    expect((await answerTo(idle.end('{}'))).status).toBe(200);
    const { socket } = idle;
    if (!socket) throw new Error('no connection');

    const [ended, idleEnded, streamEnded] = [once(agent, 'exit'), once(socket, 'close'), once(stream[0], 'end')];
    agent.kill('SIGTERM');

    await Promise.all([idleEnded, streamEnded]);
    const answer = await answerTo(underWay.end('{}'));
    expect([answer.status, answer.body, answer.headers.connection]).toEqual([200, { keyfile: 'a key\n' }, 'close']);
    await expect(ended).resolves.toEqual([0, null]);
  } finally {
    connections.destroy();
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

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

async function answerTo(sent: ClientRequest): Promise<Answer> {
  const [incoming] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of incoming) text += String(chunk);
  return { status: incoming.statusCode, headers: incoming.headers, body: JSON.parse(text) as unknown };
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
