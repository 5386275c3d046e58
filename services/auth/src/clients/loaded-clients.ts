import type { Logger } from 'pino';
import type { ClientsDocument, ClientsReport } from '../api.ts';
import type { Memory } from '../told/memory.ts';
import { clientsOf } from './clients.ts';
import type { Clients } from './clients.ts';

/*
 * The clients that a pod lets in, out of what its mount shows and what the operator tells it: whichever is newer. The mount is
 * behind by as long as kubelet takes, and a container that starts may even be shown an older one; a client that was told to be
 * gone stays gone, for the containers after this one as well.
 */

/** The mounted clients are older than those that the operator told. */
export class ClientsBelowFloor extends Error {
  override readonly name: string = 'ClientsBelowFloor';
}

export interface LoadedClientsPorts {
  readonly podName: string;
  readonly log: Logger;
  readonly memory: Pick<Memory<ClientsDocument>, 'before' | 'keep'>;
}

export class LoadedClients {
  private readonly ports: LoadedClientsPorts;
  private mounted: Clients | undefined;
  private told: Clients | undefined;
  private inUse: Clients | undefined;
  private readonly listeners: ((clients: Clients) => void)[] = [];

  constructor(ports: LoadedClientsPorts) {
    this.ports = ports;
    const { before } = ports.memory;
    this.told = before && clientsOf(before);
    this.settle();
  }

  readonly current = (): Clients | undefined => this.inUse;

  /** Called after each change of the clients in use. */
  onChange(listener: (clients: Clients) => void): void {
    this.listeners.push(listener);
  }

  /**
   * What the mount shows from now on.
   *
   * @throws ClientsBelowFloor where it is not used
   */
  mount(clients: Clients): void {
    this.mounted = clients;
    this.settle();
    const { problem } = this;
    if (problem !== undefined) throw new ClientsBelowFloor(problem);
  }

  /** @throws ClientsUnusable */
  reload(document: ClientsDocument): ClientsReport {
    const told = clientsOf(document);
    // Calls may arrive in another order than they were made.
    if (told.version >= (this.told?.version ?? 0)) {
      this.told = told;
      this.ports.memory.keep(document);
    }
    this.settle();
    const { log } = this.ports;
    log.info(
      { told: told.version, version: this.report().version, clients: this.inUse?.byId.size },
      'clients reloaded',
    );
    return this.report();
  }

  /** Why the mounted clients are not in use. */
  get problem(): string | undefined {
    const { mounted, told } = this;
    if (!mounted || !told || mounted.version >= told.version) return undefined;
    return `the mounted clients have version ${mounted.version}, older than ${told.version}, which the operator told of`;
  }

  report(): ClientsReport {
    return { pod: this.ports.podName, version: this.inUse?.version ?? 0 };
  }

  private settle(): void {
    const { mounted, told } = this;
    const next = mounted && mounted.version >= (told?.version ?? 0) ? mounted : told;
    if (!next || next === this.inUse) return;
    this.inUse = next;
    for (const reason of next.ignored) this.ports.log.warn({ reason }, 'ignoring a part of the clients');
    for (const changed of this.listeners) changed(next);
  }
}
