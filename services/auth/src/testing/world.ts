import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, rename, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { HttpService } from '@authstack/http-service/service';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { systemClock } from '@authstack/http-service/clock';
import { readEnvironment } from '../environment.ts';
import { logOptions } from '@authstack/http-service/log-options';
import type { SigningAlgorithm } from '../keys/key-ring.ts';
import type { Machine } from '../passwords/hash-threads.ts';
import { createService } from '../service.ts';

export const ORIGIN = 'http://localhost:8081';
export const PASSWORD = 'correct horse battery';

/** The machine's time, moved ahead as a test likes; `pace` makes its timers that much quicker. */
export class MovableClock implements Clock {
  private ahead: Millis = 0;
  private wrongBy: Millis = 0;
  private readonly pace: number;

  constructor(pace = 1) {
    this.pace = pace;
  }

  now(): Millis {
    return systemClock.now() + this.ahead + this.wrongBy;
  }

  monotonic(): Millis {
    return systemClock.monotonic() + this.ahead;
  }

  after(delay: Millis, callback: () => void): () => void {
    return systemClock.after(delay / this.pace, callback);
  }

  advance(by: Millis): void {
    this.ahead += by;
  }

  /** As on a machine whose time is wrong: spans of time are right all the same. */
  skew(by: Millis): void {
    this.wrongBy += by;
  }
}

/** Of each pod: one thread hashes, wherever the tests run. */
export const MACHINE: Machine = { parallelism: 1, cores: 1, memory: 0 };

export interface RingKey {
  readonly kid: string;
  readonly phase: 'next' | 'active' | 'retiring';
  readonly [member: string]: unknown;
}

/** For each algorithm. */
export const keyPairs = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  'ML-DSA-44': () => generateKeyPairSync('ml-dsa-44'),
} as const satisfies Readonly<Record<SigningAlgorithm, unknown>>;

/** A key as the operator writes it into the ring. */
export function ringKey(kid: string, phase: RingKey['phase'], algorithm: SigningAlgorithm = 'ES256'): RingKey {
  const { privateKey, publicKey } = keyPairs[algorithm]();
  return {
    kid,
    phase,
    algorithm,
    publishedAt: Date.now(),
    ...(phase !== 'next' && { activatedAt: Date.now() }),
    ...(phase !== 'retiring' && { privateJwk: privateKey.export({ format: 'jwk' }) }),
    publicJwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' },
  };
}

/** A Secret as kubelet mounts it: the files are links into a folder that is swapped as a whole. */
export interface Mount extends AsyncDisposable {
  readonly directory: string;
  swap(files: Readonly<Record<string, string | Uint8Array>>): Promise<void>;
}

export async function mountSecret(files: Readonly<Record<string, string | Uint8Array>>): Promise<Mount> {
  const directory = await mkdtemp(join(tmpdir(), 'auth-mount-'));
  let linked: readonly string[] = [];
  async function swap(content: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    const version = `..${randomUUID()}`;
    await mkdir(join(directory, version));
    await Promise.all(Object.entries(content).map(([name, text]) => writeFile(join(directory, version, name), text)));
    await symlink(version, join(directory, '..data_tmp'));
    await rename(join(directory, '..data_tmp'), join(directory, '..data'));
    const names = Object.keys(content);
    const [added, gone] = [
      names.filter((name) => !linked.includes(name)),
      linked.filter((name) => !names.includes(name)),
    ];
    await Promise.all(added.map((name) => symlink(join('..data', name), join(directory, name))));
    await Promise.all(gone.map((name) => rm(join(directory, name))));
    linked = names;
  }
  await swap(files);
  return {
    directory,
    swap,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

export function someSecrets(): string {
  const keySet = (id: string): object => ({ current: id, keys: { [id]: randomBytes(32).toString('base64') } });
  return JSON.stringify({ pepper: keySet('p1'), refresh: keySet('r1'), totp: keySet('t1') });
}

export interface StackMounts extends AsyncDisposable {
  readonly keys: Mount;
  readonly secrets: Mount;
  readonly mongodb: Mount;
}

/** What the pods of one stack share. */
export async function mountStack(mongodbUri: string, ring: readonly RingKey[]): Promise<StackMounts> {
  const keys = await mountSecret({ 'ring.json': JSON.stringify({ keys: ring }) });
  const secrets = await mountSecret({ 'secrets.json': someSecrets() });
  const mongodb = await mountSecret({ uri: mongodbUri });
  return {
    keys,
    secrets,
    mongodb,
    async [Symbol.asyncDispose]() {
      await Promise.all([keys, secrets, mongodb].map((mount) => mount[Symbol.asyncDispose]()));
    },
  };
}

export function environmentOf(mounts: Pick<StackMounts, 'keys' | 'secrets' | 'mongodb'>): Record<string, string> {
  return {
    AUTHSTACK_ISSUER: ORIGIN,
    AUTHSTACK_AUDIENCES: 'shop',
    AUTHSTACK_ACCESS_TOKEN_TTL_SECONDS: '1800',
    AUTHSTACK_SESSION_TTL_SECONDS: '2592000',
    AUTHSTACK_SESSION_IDLE_TTL_SECONDS: '604800',
    AUTHSTACK_INLINE_REFRESH: 'true',
    AUTHSTACK_TRUSTED_PROXIES: '10.0.0.0/8',
    AUTHSTACK_JWKS_MAX_AGE_SECONDS: '300',
    AUTHSTACK_CLOCK_SKEW_SECONDS: '60',
    AUTHSTACK_PASSWORD_MIN_LENGTH: '8',
    AUTHSTACK_SIGNING_KEYS_FILE: join(mounts.keys.directory, 'ring.json'),
    AUTHSTACK_SECRETS_FILE: join(mounts.secrets.directory, 'secrets.json'),
    AUTHSTACK_MONGODB_URI_FILE: join(mounts.mongodb.directory, 'uri'),
    AUTHSTACK_PORT: '0',
    AUTHSTACK_PROBE_PORT: '0',
    AUTHSTACK_DRAIN_SECONDS: '0',
  };
}

export interface Pod extends AsyncDisposable {
  readonly service: HttpService;
  readonly clock: MovableClock;
  /** Every line logged so far. */
  readonly log: readonly string[];
  readonly url: string;
  probe(path: string): Promise<{ status: number; text: string }>;
}

/** One pod of the auth service, in this process. */
export async function startPod(
  mounts: Pick<StackMounts, 'keys' | 'secrets' | 'mongodb'>,
  change: Readonly<Record<string, string>> = {},
  { pace = 1 }: { readonly pace?: number } = {},
): Promise<Pod> {
  const settings = readEnvironment({ ...environmentOf(mounts), ...change });
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'));
      done();
    },
  });
  const clock = new MovableClock(pace);
  const log = pino(logOptions(settings, ['privateJwk']), sink);
  const service = createService(settings, { clock, log, machine: MACHINE });
  await service.start();
  const url = `http://127.0.0.1:${service.ports.public}`;
  return {
    service,
    clock,
    log: lines,
    url,
    async probe(path) {
      const answer = await fetch(`http://127.0.0.1:${service.ports.ops}${path}`);
      return { status: answer.status, text: await answer.text() };
    },
    [Symbol.asyncDispose]: () => service.stop(),
  };
}

export async function startReadyPod(...arguments_: Parameters<typeof startPod>): Promise<Pod> {
  const pod = await startPod(...arguments_);
  await until(async () => (await pod.probe('/readyz')).status === 200, '/readyz answers 200');
  return pod;
}

/** Waits for a condition; the test fails when it does not come. */
export async function until(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited 20 s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function anEmail(): string {
  return `${randomUUID()}@example.com`;
}
