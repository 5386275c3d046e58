import { readFile } from 'node:fs/promises';
import type { Server } from 'node:https';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Logger } from 'pino';
import { messageOf } from './errors.ts';
import type { Millis } from './clock.ts';

/** PEM texts of a mounted Secret of type kubernetes.io/tls, with the authority that clients must be of. */
interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface TlsReloadDeps {
  readonly directory: string;
  readonly server: Server;
  /** Resolves after that time, or when the signal aborts. */
  readonly pause: (delay: Millis, signal: AbortSignal) => Promise<void>;
  readonly log: Logger;
}

const INTERVAL: Millis = 5_000;

/**
 * Resolves once the files were looked at for the first time, to what goes on looking: the next connection gets a renewed
 * certificate, and no restart is needed.
 */
export async function keepTlsFresh(
  { directory, server, pause, log }: TlsReloadDeps,
  signal: AbortSignal,
): Promise<{ readonly ended: Promise<void> }> {
  let served: string | undefined;
  let problem: string | undefined;

  async function look(): Promise<void> {
    try {
      const files = await readTlsFiles(directory);
      const texts = JSON.stringify(files);
      if (texts !== served) {
        const context = { ...files, minVersion: 'TLSv1.3' as const };
        // Throws where the parts do not belong together, which the server would only find out in the next handshake.
        createSecureContext(context);
        server.setSecureContext(context);
        if (served !== undefined) log.info({ directory }, 'serving renewed certificates');
        served = texts;
      }
      problem = undefined;
    } catch (error) {
      const reason = messageOf(error);
      if (reason === problem) return;
      problem = reason;
      log.error({ directory, reason, previousInUse: served !== undefined }, 'certificates are unusable');
    }
  }

  async function goOn(): Promise<void> {
    for (;;) {
      await pause(INTERVAL, signal);
      if (signal.aborted) return;
      await look();
    }
  }

  await look();
  return { ended: goOn() };
}

async function readTlsFiles(directory: string): Promise<TlsFiles> {
  const read = (name: string): Promise<string> => readFile(join(directory, name), 'utf8');
  return { cert: await read('tls.crt'), key: await read('tls.key'), ca: await read('ca.crt') };
}
