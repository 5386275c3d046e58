import type { Clock, Millis } from '@authstack/http-service/clock';
import type { Acknowledgement, VerifiersReport } from '../api.ts';

/** How long one that is heard no more is still told of. */
const REMEMBERED_FOR: Millis = 24 * 60 * 60_000;
/** A verifier with five keys weighs some 600 bytes. */
const BYTES_PER_CLIENT = 512 * 1024;
const BYTES_IN_ALL = 8 * 1024 * 1024;

export const verifierLimits = { REMEMBERED_FOR, BYTES_PER_CLIENT, BYTES_IN_ALL } as const;

interface Verifier extends Acknowledgement {
  readonly client: string;
  readonly heardAt: Millis;
  readonly bytes: number;
}

/** Of one client, in the order in which they were heard last. */
interface OfClient {
  readonly byInstance: Map<string, Verifier>;
  bytes: number;
}

export interface VerifiersPorts {
  readonly podName: string;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/**
 * Who has acknowledged which keys to this pod, each under the client that it has authenticated as. When there are too many of a
 * client, or in all, the one that was heard longest ago is forgotten first; so no client takes the room of another by inventing
 * instances, unless many clients do, and whoever lives is back with its next acknowledgement.
 */
export class Verifiers {
  private readonly ports: VerifiersPorts;
  private readonly byClient: Map<string, OfClient> = new Map();
  private bytes = 0;

  constructor(ports: VerifiersPorts) {
    this.ports = ports;
  }

  acknowledge(client: string, { instance, name, kids }: Acknowledgement): void {
    this.forget(client, instance);
    const ofClient = this.byClient.get(client) ?? { byInstance: new Map<string, Verifier>(), bytes: 0 };
    const distinct = [...new Set(kids)];
    const verifier = { client, instance, name, kids: distinct, heardAt: this.ports.clock.monotonic() };
    const entry = { ...verifier, bytes: weightOf(verifier) };
    ofClient.byInstance.set(instance, entry);
    this.byClient.set(client, ofClient);
    ofClient.bytes += entry.bytes;
    this.bytes += entry.bytes;
    while (ofClient.bytes > BYTES_PER_CLIENT) this.forgetOldest([ofClient]);
    while (this.bytes > BYTES_IN_ALL) this.forgetOldest(this.byClient.values());
  }

  /** How many were heard within that time. */
  heardWithin(span: Millis): number {
    const since = this.ports.clock.monotonic() - span;
    return this.all().filter(({ heardAt }) => heardAt >= since).length;
  }

  report(): VerifiersReport {
    const now = this.ports.clock.monotonic();
    for (const { client, instance, heardAt } of this.all()) {
      if (now - heardAt > REMEMBERED_FOR) this.forget(client, instance);
    }
    return {
      pod: this.ports.podName,
      verifiers: this.all().map(({ client, instance, name, kids, heardAt }) => ({
        ...{ client, instance, name, kids },
        heardMillisAgo: Math.max(0, now - heardAt),
      })),
    };
  }

  private all(): readonly Verifier[] {
    return [...this.byClient.values()].flatMap(({ byInstance }) => [...byInstance.values()]);
  }

  private forgetOldest(among: Iterable<OfClient>): void {
    const [oldest] = [...among]
      .flatMap(({ byInstance }) => byInstance.values().take(1).toArray())
      .toSorted((a, b) => a.heardAt - b.heardAt);
    if (!oldest) return;
    const { client, instance } = oldest;
    this.forget(client, instance);
  }

  private forget(client: string, instance: string): void {
    const ofClient = this.byClient.get(client);
    const entry = ofClient?.byInstance.get(instance);
    if (!ofClient || !entry) return;
    ofClient.byInstance.delete(instance);
    ofClient.bytes -= entry.bytes;
    this.bytes -= entry.bytes;
    if (ofClient.byInstance.size === 0) this.byClient.delete(client);
  }
}

function weightOf({ client, instance, name, kids }: Omit<Verifier, 'bytes' | 'heardAt'>): number {
  return JSON.stringify([client, instance, name, ...kids]).length + 200;
}
