import { parseClients } from '../clients/clients.ts';
import type { Clients } from '../clients/clients.ts';
import type { LoadedClients } from '../clients/loaded-clients.ts';
import { revokedIn } from '../keys/key-ring.ts';
import type { LoadedKeys } from '../keys/loaded-keys.ts';
import type { WrappingKeys } from '../keys/wrapping-keys.ts';
import { parseSecrets } from '../secrets/secrets.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { keepingPeppers } from './kept-peppers.ts';
import type { PeppersInUse } from './kept-peppers.ts';
import { unwrapRing } from './unwrapped-ring.ts';
import type { UnwrappedRing } from './unwrapped-ring.ts';
import { WatchedFile } from './watched-file.ts';
import type { WatchingPorts } from './watched-file.ts';

export interface MountedFiles {
  readonly secrets: () => Secrets | undefined;
  readonly uri: () => string | undefined;
  /** A reason for each that was never loaded. */
  missing(): readonly string[];
  /** Why a pod that starts now could not use the mounted key ring, which this one uses. */
  readonly keysProblem: string | undefined;
  /** Why the clients as mounted are not in use. Without them the pod serves everybody but services. */
  readonly clientsProblem: string | undefined;
  start(): Promise<void>;
  stop(): void;
}

export interface MountedPaths {
  readonly signingKeys: string;
  readonly secrets: string;
  readonly mongodbUri: string;
  readonly clients?: string | undefined;
}

/** Names in logs, metrics and `/readyz`. */
export const mountedFiles = {
  signingKeys: 'signing-keys',
  secrets: 'secrets',
  mongodbUri: 'mongodb-uri',
  clients: 'clients',
} as const;

export interface MountedFilesPorts extends WatchingPorts {
  readonly peppersInUse: PeppersInUse;
  readonly keys: Pick<LoadedKeys, 'mount' | 'revoke'>;
  readonly wrappingKeys: WrappingKeys;
  readonly clients: Pick<LoadedClients, 'mount' | 'problem'>;
}

/** The Secrets that a pod mounts; the last good content of each is in use. */
export function watchMountedFiles(paths: MountedPaths, ports: MountedFilesPorts): MountedFiles {
  const ring = watchKeyRing(paths.signingKeys, ports);
  const accept = keepingPeppers(ports.peppersInUse);
  const secrets = new WatchedFile(
    { name: mountedFiles.secrets, path: paths.secrets, parse: parseSecrets, accept },
    ports,
  );
  const uri = new WatchedFile(
    { name: mountedFiles.mongodbUri, path: paths.mongodbUri, parse: (text) => text.trim() },
    ports,
  );
  const needed = [ring, secrets, uri];
  const clients = paths.clients === undefined ? undefined : watchClients(paths.clients, ports);
  const all = [...needed, ...(clients ? [clients] : [])];
  return {
    secrets: () => secrets.current,
    uri: () => uri.current,
    missing: () =>
      needed
        .filter(({ current }) => current === undefined)
        .map(({ name, problem = 'not loaded' }) => `${name}: ${problem}`),
    get keysProblem() {
      return ring.current?.problem;
    },
    get clientsProblem() {
      return clients?.problem ?? ports.clients.problem;
    },
    async start() {
      await ports.wrappingKeys.start();
      await Promise.all(all.map((file) => file.start()));
    },
    stop() {
      ports.wrappingKeys.stop();
      for (const file of all) file.stop();
    },
  };
}

function watchKeyRing(path: string, ports: MountedFilesPorts): WatchedFile<UnwrappedRing> {
  const { keys, wrappingKeys } = ports;
  const file: WatchedFile<UnwrappedRing> = new WatchedFile<UnwrappedRing>(
    {
      name: mountedFiles.signingKeys,
      path,
      parse: async (text) => {
        keys.revoke(revokedIn(text));
        return logIgnored(await unwrapRing(text, { wrappingKeys, before: file.current?.ring }), ports);
      },
      accept: ({ ring, problem }, current) => {
        keys.mount(ring);
        if (problem !== undefined && problem !== current?.problem) {
          ports.log.error({ problem }, 'using private keys from memory: a pod that starts now could not sign');
        }
      },
    },
    ports,
  );
  wrappingKeys.onChange(() => {
    file.lookAnew();
  });
  return file;
}

function watchClients(path: string, ports: MountedFilesPorts): WatchedFile<Clients> {
  const accept = (next: Clients): void => {
    ports.clients.mount(next);
  };
  return new WatchedFile({ name: mountedFiles.clients, path, parse: parseClients, accept }, ports);
}

/** A newer operator may have written them; whoever waits for such a key finds out why it is not published. */
function logIgnored(read: UnwrappedRing, { log }: WatchingPorts): UnwrappedRing {
  for (const { kid, algorithm, phase, reason } of read.ring.held) {
    if (phase === 'ignored') log.warn({ kid, algorithm, reason }, 'ignoring a key of the ring');
  }
  return read;
}
