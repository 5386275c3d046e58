import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '@authstack/http-service/clock';
import { listen } from '@authstack/http-service/listener';
import { createOperatorServer } from '@authstack/http-service/operator-server';
import { keepTlsFresh } from '@authstack/http-service/tls-files';
import { pino } from 'pino';
import { authContract, files } from '../../services/auth/src/api.ts';
import { LoadedClients } from '../../services/auth/src/clients/loaded-clients.ts';
import { forgetful } from '../../services/auth/src/told/memory.ts';
import { parseKeyRing, revokedIn } from '../../services/auth/src/keys/key-ring.ts';
import { LoadedKeys } from '../../services/auth/src/keys/loaded-keys.ts';
import { Verifiers } from '../../services/auth/src/events/verifiers.ts';
import { operatorListener } from '../../services/auth/src/listeners/operator.ts';

type Texts = Readonly<Record<string, string>>;

export interface AuthPodOptions {
  readonly name: string;
  readonly address: string;
  /** Its own. */
  readonly folder: string;
  /** What its Secrets hold now. */
  readonly mounts: () => Promise<{ readonly keys: Texts | undefined; readonly tls: Texts | undefined }>;
}

/** How long until a changed Secret is in the mount. */
const REFRESHED_EVERY = 200;

/** What the operator asks of a pod of the auth service: its real listener and its real keys, and nothing else of it. */
export async function startAuthPod({ name, address, folder, mounts }: AuthPodOptions): Promise<AsyncDisposable> {
  const log = pino({ level: 'silent' });
  const keys = new LoadedKeys({ podName: name, clock: systemClock, log, memory: forgetful() });
  const clients = new LoadedClients({ podName: name, log, memory: forgetful() });
  const verifiers = new Verifiers({ podName: name, clock: systemClock });
  const { operator } = operatorListener(folder, {
    ...{ keys, wrappingKeys: { ids: [] }, clients, verifiers },
    kept: () => Promise.resolve(),
  });
  if (!operator) throw new TypeError('the auth service has no listener for the operator');
  const server = createOperatorServer({ ...operator, clock: systemClock, log });
  const ending = new AbortController();
  const elapsed = (_delay: number, signal: AbortSignal): Promise<void> =>
    pause(REFRESHED_EVERY, undefined, { signal }).catch(() => undefined);

  async function refresh(): Promise<void> {
    const mounted = await mounts();
    for (const [file, text] of Object.entries(mounted.tls ?? {})) await writeFile(join(folder, file), text);
    const ring = mounted.keys?.[files.keyRing];
    if (ring === undefined) return;
    keys.revoke(revokedIn(ring));
    keys.mount(parseKeyRing(ring));
  }
  // A ring that cannot be used leaves the last one in use, as the service does it; so does an API server that is away.
  async function keepMounted(): Promise<void> {
    for (;;) {
      await elapsed(0, ending.signal);
      if (ending.signal.aborted) return;
      await refresh().catch(() => undefined);
    }
  }

  await mkdir(folder, { recursive: true });
  await refresh().catch(() => undefined);
  const fresh = await keepTlsFresh({ directory: folder, server, pause: elapsed, log }, ending.signal);
  const listener = await listen(server, { host: address, port: authContract.operatorPort });
  const mounting = keepMounted();
  return {
    async [Symbol.asyncDispose]() {
      ending.abort();
      await Promise.all([mounting, fresh.ended, listener.close()]);
    },
  };
}
