import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AUDIENCE, ISSUER, jwksOf } from './issuer.ts';
import type { SigningKey } from './issuer.ts';

export type Files = Readonly<Record<string, string>>;

/** A directory that changes as kubelet changes a mounted Secret: a new folder, then `..data` swapped to it in one step. */
export interface SecretMount extends AsyncDisposable {
  readonly directory: string;
  swap(files: Files): Promise<void>;
}

export async function secretMount(files?: Files): Promise<SecretMount> {
  const directory = await mkdtemp(join(tmpdir(), 'secret-'));
  let generation = 0;
  const mount: SecretMount = {
    directory,
    async swap(next) {
      const previous = `..generation-${generation}`;
      generation += 1;
      const folder = `..generation-${generation}`;
      await mkdir(join(directory, folder));
      for (const [name, text] of Object.entries(next)) await writeFile(join(directory, folder, name), text);
      await symlink(folder, join(directory, '..data_tmp'));
      await rename(join(directory, '..data_tmp'), join(directory, '..data'));
      for (const name of Object.keys(next)) {
        await symlink(join('..data', name), join(directory, name)).catch(() => undefined);
      }
      await rm(join(directory, previous), { recursive: true, force: true });
    },
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true, force: true });
    },
  };
  if (files) await mount.swap(files);
  return mount;
}

/** What an AuthConsumer's Secret holds. */
export function consumerSecret(keys: readonly SigningKey[], changed: Files = {}): Files {
  return {
    'jwks.json': jwksOf(...keys),
    issuer: ISSUER,
    origin: ISSUER,
    audience: AUDIENCE,
    'cookie-names': JSON.stringify({ token: '__Host-token', session: '__Host-session' }),
    'auth-url': 'https://127.0.0.1:1',
    'ca.crt': 'the CA of the stack',
    'client-id': 'shop/orders',
    'client-secret': 'CLIENT-SECRET',
    ...changed,
  };
}
