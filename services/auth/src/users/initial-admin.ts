import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { pause } from '@authstack/http-service/clock';
import type { Clock, Millis } from '@authstack/http-service/clock';
import { messageOf } from '@authstack/http-service/errors';
import { files } from '../api.ts';
import { newPassword } from '../passwords/password.ts';
import type { Passwords } from '../passwords/passwords.ts';
import { emailField } from './email.ts';
import type { UserStore } from './user.ts';

export interface InitialAdminPorts {
  readonly users: UserStore;
  readonly passwords: Passwords;
  readonly clock: Clock;
  readonly log: Logger;
  readonly passwordMinLength: number;
}

const AGAIN_AFTER: Millis = 5_000;

/** Retries until there is an admin: the database may be unavailable, and the files may be corrected meanwhile. */
export async function keepInitialAdmin(
  directory: string,
  ports: InitialAdminPorts,
  signal: AbortSignal,
): Promise<void> {
  let lastReason: string | undefined;
  while (!signal.aborted) {
    try {
      await ensureInitialAdmin(directory, ports);
      return;
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== lastReason) ports.log.error({ directory, reason }, 'the initial admin cannot be created');
      lastReason = reason;
    }
    await pause(ports.clock, AGAIN_AFTER, signal);
  }
}

export async function ensureInitialAdmin(directory: string, ports: InitialAdminPorts): Promise<void> {
  if (await ports.users.hasAdmin()) return;
  const email = accepted(files.email, emailField.safeParse(await readFile(join(directory, files.email), 'utf8')));
  // Editors end a file with a line break; it is no part of the password.
  const text = (await readFile(join(directory, files.password), 'utf8')).replace(/\r?\n$/, '');
  const password = accepted(files.password, newPassword(ports.passwordMinLength).safeParse(text));
  const hash = await ports.passwords.admit({ prefix: 'this pod', account: email }, (hashing) => hashing.hash(password));
  await ports.users.putAdmin({ email, password: hash, roles: ['user', 'admin'] });
  ports.log.info('initial admin created');
}

interface Parsed<T> {
  readonly success: boolean;
  readonly data?: T;
  readonly error?: { readonly issues: readonly { readonly message: string }[] };
}

function accepted<T>(file: string, parsed: Parsed<T>): T {
  if (parsed.success && parsed.data !== undefined) return parsed.data;
  throw new Error(`file ${file}: ${parsed.error?.issues[0]?.message ?? 'invalid'}`);
}
