import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
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
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error(
      'no container engine answers: start Docker, then run this again (docker info says why it does not)',
    );
  }
  await needPackages(['docker.io', 'iptables', 'jq']);
  await start();
}

/** Ends the engine that `ensureEngine` started, unless containers still run on it. Any other engine is left alone. */
export async function stopEngine(): Promise<void> {
  const pid = await ownPid();
  if (pid === undefined) return;
  if (await dockerAnswers()) {
    const running = (await docker(['ps', '--quiet'])).trim();
    if (running !== '') return;
  }
  process.kill(pid, 'SIGTERM');
  while ((await ownPid()) === pid) await pause(100);
}

async function start(): Promise<void> {
  await mkdir(state, { recursive: true });
  // Nothing answers, so whatever process has that number now is not the engine.
  await rm(pidFile, { force: true });
  const runtime = await boundedRuntime();
  const log = join(state, 'dockerd.log');
  const output = openSync(log, 'a');
  const directories = ['--data-root', join(state, 'data'), '--exec-root', join(state, 'exec'), '--pidfile', pidFile];
  const engine = spawn('dockerd', [...directories, ...runtime], { detached: true, stdio: ['ignore', output, output] });
  engine.unref();
  for (let tries = 0; tries < 120; tries++) {
    if (await dockerAnswers()) return;
    if (engine.exitCode !== null) break;
    await pause(500);
  }
  const said = (await readFile(log, 'utf8')).split('\n').slice(-8).join('\n');
  throw new Error(`dockerd does not start; what it says (${log}):\n${said}`);
}

async function ownPid(): Promise<number | undefined> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.startsWith('dockerd\0') ? pid : undefined;
}

/** Names by bit, linux/capability.h; only those that a container may be given and a machine may lack matter. */
const capabilityBits: Readonly<Record<string, number>> = {
  CAP_NET_ADMIN: 12,
  CAP_SYS_MODULE: 16,
  CAP_SYS_RAWIO: 17,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_BOOT: 22,
  CAP_SYS_NICE: 23,
  CAP_SYS_RESOURCE: 24,
  CAP_SYS_TIME: 25,
  CAP_MKNOD: 27,
  CAP_MAC_OVERRIDE: 32,
  CAP_MAC_ADMIN: 33,
  CAP_SYSLOG: 34,
  CAP_WAKE_ALARM: 35,
  CAP_BLOCK_SUSPEND: 36,
  CAP_AUDIT_READ: 37,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
  CAP_CHECKPOINT_RESTORE: 40,
};

/** runc fails a privileged container that asks for what the machine's bounding set lacks, so it is asked for less. */
async function boundedRuntime(): Promise<readonly string[]> {
  const [, bounding = ''] = /^CapBnd:\s*([0-9a-f]+)$/m.exec(await readFile('/proc/self/status', 'utf8')) ?? [];
  const bits = BigInt(`0x${bounding || 'ffffffffffffffff'}`);
  const last = BigInt((await readFile('/proc/sys/kernel/cap_last_cap', 'utf8')).trim());
  const lacking = Object.entries(capabilityBits)
    .filter(([, bit]) => BigInt(bit) <= last && (bits & (1n << BigInt(bit))) === 0n)
    .map(([name]) => name);
  if (lacking.length === 0) return [];

  const runc = await which('runc');
  if (runc === undefined) throw new Error('runc is not on PATH although docker.io is installed; PATH lacks /usr/sbin?');
  const wrapper = join(state, 'bounded-runc');
  await writeFile(wrapper, boundedRunc(runc, lacking), { mode: 0o755 });
  return ['--add-runtime', `bounded=${wrapper}`, '--default-runtime', 'bounded'];
}

/** Takes capabilities out of the configuration that runc is about to read, for new containers and for exec alike. */
function boundedRunc(runc: string, lacking: readonly string[]): string {
  return `#!/bin/bash
set -eu
lacking='${JSON.stringify(lacking)}'
strip() {
  jq --argjson lacking "$lacking" 'walk(if type == "array" then map(select(IN($lacking[]) | not)) else . end)' "$1" > "$1.bounded"
  cat "$1.bounded" > "$1"
  rm -f "$1.bounded"
}
command= bundle=. process=
words=("$@")
for i in "\${!words[@]}"; do
  case "\${words[i]}" in
    create | run | exec | restore) [ -n "$command" ] || command=\${words[i]} ;;
    --bundle | -b) bundle=\${words[i + 1]} ;;
    --bundle=*) bundle=\${words[i]#*=} ;;
    --process | -p) process=\${words[i + 1]} ;;
    --process=*) process=\${words[i]#*=} ;;
  esac
done
case $command in
  create | run | restore) strip "$bundle/config.json" ;;
  exec) [ -z "$process" ] || strip "$process" ;;
esac
exec ${runc} "$@"
`;
}
