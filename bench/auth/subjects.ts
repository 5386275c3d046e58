import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle, products } from '../../cluster/images.ts';
import { environmentOf, mountStack, ORIGIN, PASSWORD, ringKey } from '../../services/auth/src/testing/world.ts';
import { freePort } from '../../test/support/free-port.ts';
import { startServer } from '../../test/support/processes.ts';
import { send, sendExpecting } from './http-client.ts';
import type { Answer } from './http-client.ts';

export interface Account {
  readonly email: string;
  /** Where its requests come from; each account has a network of its own. */
  readonly address: string;
}

/** A process that signs people in. */
export interface Subject extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  readonly signUp: (account: Account) => Promise<Answer>;
  readonly signIn: (account: Account) => Promise<Answer>;
}

export function accountOf(index: number): Account {
  return { email: `user${index}@example.com`, address: `198.18.${index % 256}.7` };
}

/** Of a page of the service, behind a proxy that says where it comes from. */
export function fromPage({ address }: Pick<Account, 'address'>): Record<string, string> {
  return { origin: ORIGIN, 'sec-fetch-site': 'same-origin', 'x-forwarded-for': address };
}

/** The bundle of the image, as a process of its own. */
export async function startAuthService(mongodbUri: string): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const [product] = products.filter(({ name }) => name === 'auth');
  if (!product) throw new Error('there is no image auth');
  const { page: _, ...withoutPage } = product;
  await bundle(withoutPage, folder);
  const mounts = await mountStack(mongodbUri, [ringKey('k1', 'active'), ringKey('k2', 'next')]);
  const [port, probePort] = [await freePort(), await freePort()];
  const environment = {
    ...environmentOf(mounts),
    PATH: process.env['PATH'] ?? '',
    NODE_ENV: 'production',
    AUTHSTACK_PORT: String(port),
    AUTHSTACK_PROBE_PORT: String(probePort),
    AUTHSTACK_TRUSTED_PROXIES: '127.0.0.0/8',
  };
  const given = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const answers = async (): Promise<void> => {
    const ready = await send({ port: probePort, path: '/readyz' });
    if (ready.status !== 200) throw new Error(ready.text);
  };
  const args = ['-i', ...given, process.execPath, join(folder, 'app/main.js')];
  const server = await startServer('env', args, { log: join(folder, 'auth.log'), answers });
  return {
    name: 'AuthStack',
    pid: server.pid,
    port,
    signUp: (account) => ask('signup', 201, account),
    signIn: (account) => ask('signin', 200, account),
    async [Symbol.asyncDispose]() {
      await server.kill();
      await mounts[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };

  function ask(what: string, status: number, account: Account): Promise<Answer> {
    const body = { email: account.email, password: PASSWORD };
    return sendExpecting(status, {
      port,
      method: 'POST',
      path: `/api/users/${what}`,
      headers: fromPage(account),
      body,
    });
  }
}

/** Better Auth on the same database server, with the same hash by the same library. */
export async function startBetterAuth(mongodbUri: string): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const port = await freePort();
  const program = join(import.meta.dirname, 'better-auth-server.ts');
  const answers = (): Promise<unknown> => sendExpecting(200, { port, path: '/api/auth/ok' });
  const given = [`PATH=${process.env['PATH'] ?? ''}`, 'NODE_ENV=production'];
  const args = ['-i', ...given, process.execPath, program, String(port), mongodbUri];
  const server = await startServer('env', args, { log: join(folder, 'better-auth.log'), answers });
  return {
    name: 'Better Auth',
    pid: server.pid,
    port,
    signUp: (account) => ask('sign-up/email', account, { name: 'somebody' }),
    signIn: (account) => ask('sign-in/email', account),
    async [Symbol.asyncDispose]() {
      await server.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };

  function ask(what: string, account: Account, more: object = {}): Promise<Answer> {
    const headers = { ...fromPage(account), origin: `http://127.0.0.1:${port}` };
    const body = { email: account.email, password: PASSWORD, ...more };
    return sendExpecting(200, { port, method: 'POST', path: `/api/auth/${what}`, headers, body });
  }
}
