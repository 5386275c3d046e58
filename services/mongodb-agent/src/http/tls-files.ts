import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Server } from 'node:https';
import type { Logger } from 'pino';
import type { Clock } from '../clock.ts';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export async function readTlsFiles(directory: string): Promise<TlsFiles> {
  const read = (name: string): Promise<string> => readFile(join(directory, name), 'utf8');
  return { cert: await read('tls.crt'), key: await read('tls.key'), ca: await read('ca.crt') };
}

export interface TlsReloadDeps {
  readonly directory: string;
  readonly server: Server;
  readonly clock: Clock;
  readonly log: Logger;
}

const interval = 5_000;

/** The next connection gets a renewed certificate; no restart is needed. */
export async function keepTlsFresh(
  { directory, server, clock, log }: TlsReloadDeps,
  signal: AbortSignal,
): Promise<void> {
  let served = JSON.stringify(await readTlsFiles(directory));
  while (!signal.aborted) {
    await clock.sleep(interval, signal).catch(() => undefined);
    try {
      const files = await readTlsFiles(directory);
      if (JSON.stringify(files) === served) continue;
      server.setSecureContext({ ...files, minVersion: 'TLSv1.3' });
      served = JSON.stringify(files);
      log.info({ directory }, 'serving renewed certificates');
    } catch (err) {
      log.error({ err, directory }, 'renewed certificates are unusable; the previous ones stay in use');
    }
  }
}
