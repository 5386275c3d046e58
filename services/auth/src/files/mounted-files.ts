import { parseClients } from '../clients/clients.ts';
import type { Clients } from '../clients/clients.ts';
import type { LoadedClients } from '../clients/loaded-clients.ts';
import { parseKeyRing } from '../keys/key-ring.ts';
import type { MountedRing } from '../keys/key-ring.ts';
import type { LoadedKeys } from '../keys/loaded-keys.ts';
import { parseSecrets } from '../secrets/secrets.ts';
import type { Secrets } from '../secrets/secrets.ts';
import { keepingPeppers } from './kept-peppers.ts';
import type { PeppersInUse } from './kept-peppers.ts';
import { WatchedFile } from './watched-file.ts';
import type { WatchingPorts } from './watched-file.ts';

export interface MountedFiles {
  readonly secrets: () => Secrets | undefined;
  readonly uri: () => string | undefined;
  /** A reason for each that was never loaded. */
  missing(): readonly string[];
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
  readonly keys: Pick<LoadedKeys, 'mount'>;
  readonly clients: Pick<LoadedClients, 'mount' | 'problem'>;
}

/** The Secrets that a pod mounts; the last good content of each is in use. */
export function watchMountedFiles(paths: MountedPaths, ports: MountedFilesPorts): MountedFiles {
  const ring = new WatchedFile(
    {
      name: mountedFiles.signingKeys,
      path: paths.signingKeys,
      parse: (text) => logIgnored(parseKeyRing(text), ports),
      accept: (next) => {
        ports.keys.mount(next);
      },
    },
    ports,
  );
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
    get clientsProblem() {
      return clients?.problem ?? ports.clients.problem;
    },
    async start() {
      await Promise.all(all.map((file) => file.start()));
    },
    stop() {
      for (const file of all) file.stop();
    },
  };
}

function watchClients(path: string, ports: MountedFilesPorts): WatchedFile<Clients> {
  const accept = (next: Clients): void => {
    ports.clients.mount(next);
  };
  return new WatchedFile({ name: mountedFiles.clients, path, parse: parseClients, accept }, ports);
}

/** A newer operator may have written them; whoever waits for such a key finds out why it is not published. */
function logIgnored(ring: MountedRing, { log }: WatchingPorts): MountedRing {
  for (const { kid, algorithm, phase, reason } of ring.held) {
    if (phase === 'ignored') log.warn({ kid, algorithm, reason }, 'ignoring a key of the ring');
  }
  return ring;
}
