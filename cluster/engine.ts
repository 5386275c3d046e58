import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { boundedRunc, lackingCapabilities } from './bounded-runc.ts';
import { cache, lock } from './cache.ts';
import { needPackages } from './debian.ts';
import { docker, dockerAnswers } from './docker.ts';
import { which } from './process.ts';

/** State of an engine that this project starts. Docker keeps images and containers in it between runs. */
const state = join(cache, 'engine');
const pidFile = join(state, 'docker.pid');

/** A container engine that answers: the machine's own where there is one, else one started here. */
export async function ensureEngine(): Promise<void> {
  if (await dockerAnswers()) return;
  await using _lock = await lock('engine');
  if (await dockerAnswers()) return;
  const elsewhere = process.env['DOCKER_HOST'];
  if (elsewhere !== undefined && elsewhere !== '') {
    throw new Error(`the container engine at DOCKER_HOST=${elsewhere} does not answer; start it or unset DOCKER_HOST`);
  }
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error('no container engine answers; start Docker (`docker info` says what is wrong)');
  }
  await needPackages(['docker.io', 'iptables', 'jq']);
  // Where an init system runs, the package has started it.
  if (await dockerAnswers()) return;
  await start();
}

/** Ends the engine that `ensureEngine` started, unless containers still run on it. Any other engine is left alone. */
export async function stopEngine(): Promise<'stopped' | 'none of ours' | 'still used'> {
  const pid = await runningAs('dockerd', pidFile);
  if (pid === undefined) return 'none of ours';
  if ((await dockerAnswers()) && (await docker(['ps', '--quiet'])).trim() !== '') return 'still used';
  process.kill(pid, 'SIGTERM');
  for (let tries = 0; tries < 300; tries++) {
    if ((await runningAs('dockerd', pidFile)) === undefined) return 'stopped';
    await pause(100);
  }
  throw new Error(`dockerd (process ${pid}) does not end; see ${join(state, 'dockerd.log')}`);
}

async function start(): Promise<void> {
  await mkdir(state, { recursive: true });
  await forgetTheDead();
  const runtime = await boundedRuntime();
  const log = join(state, 'dockerd.log');
  const output = openSync(log, 'w');
  const directories = ['--data-root', join(state, 'data'), '--exec-root', join(state, 'exec'), '--pidfile', pidFile];
  const engine = spawn('dockerd', [...directories, ...runtime], { detached: true, stdio: ['ignore', output, output] });
  closeSync(output);
  engine.unref();
  for (let tries = 0; tries < 240 && engine.exitCode === null; tries++) {
    if (await dockerAnswers()) return;
    await pause(250);
  }
  const said = (await readFile(log, 'utf8')).split('\n').slice(-8).join('\n');
  throw new Error(`dockerd does not start; what it says (${log}):\n${said}`);
}

/** dockerd takes any process that has the number of its killed predecessor, or of that one's containerd, for the same. */
async function forgetTheDead(): Promise<void> {
  for (const [program, file] of [
    ['dockerd', pidFile],
    ['containerd', join(state, 'exec/containerd/containerd.pid')],
  ] as const) {
    if ((await runningAs(program, file)) === undefined) await rm(file, { force: true });
  }
}

/** The process whose number is in the file, if it is alive and still that program. */
async function runningAs(program: string, file: string): Promise<number | undefined> {
  const pid = Number(await readFile(file, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const [name = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  return name === program || name.endsWith(`/${program}`) ? pid : undefined;
}

/** Arguments that put the wrapper in front of runc, where this machine lacks a capability. */
async function boundedRuntime(): Promise<readonly string[]> {
  const [, bounding] = /^CapBnd:\s*([0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8')) ?? [];
  if (bounding === undefined) return [];
  const lacking = lackingCapabilities(bounding, Number(await readFile('/proc/sys/kernel/cap_last_cap', 'utf8')));
  if (lacking.length === 0) return [];

  const runc = await which('runc');
  if (runc === undefined) throw new Error('runc is not on PATH although docker.io is installed; add /usr/sbin to PATH');
  const wrapper = join(state, 'bounded-runc');
  await writeFile(wrapper, boundedRunc(runc, lacking), { mode: 0o755 });
  return ['--add-runtime', `bounded=${wrapper}`, '--default-runtime', 'bounded'];
}
