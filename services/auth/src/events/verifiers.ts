import type { Clock, Millis } from '@authstack/http-service/clock';
import type { Acknowledgement, Goodbye, VerifiersReport } from '../api.ts';

/** How long one that is heard no more is still told of. */
const REMEMBERED_FOR: Millis = 24 * 60 * 60_000;
/** A verifier with five keys weighs some 600 bytes. */
const BYTES_PER_CLIENT = 512 * 1024;
const BYTES_IN_ALL = 8 * 1024 * 1024;

export const verifierLimits = { REMEMBERED_FOR, BYTES_PER_CLIENT, BYTES_IN_ALL } as const;

interface Verifier extends Acknowledgement {
  readonly client: string;
  /** It has said goodbye. */
  readonly hasLeft: boolean;
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
 * Who has acknowledged which keys to this pod, or said goodbye, each under the client that it has authenticated as. When there are too many of a
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
    this.note({ client, instance, name, kids: [...new Set(kids)], hasLeft: false });
  }

  /** Remembered like the rest, also of one that this pod does not know: another pod may have heard it before. */
  goodbye(client: string, { instance }: Goodbye): void {
    this.note({ client, instance, name: '', kids: [], hasLeft: true });
  }

  /** How many were heard within that time. */
  heardWithin(span: Millis): number {
    const since = this.ports.clock.monotonic() - span;
    return this.all().filter(({ heardAt, hasLeft }) => !hasLeft && heardAt >= since).length;
  }

  report(): VerifiersReport {
    const now = this.ports.clock.monotonic();
    for (const { client, instance, heardAt } of this.all()) {
      if (now - heardAt > REMEMBERED_FOR) this.forget(client, instance);
    }
    const known = this.all();
    return {
      pod: this.ports.podName,
      verifiers: known
        .filter(({ hasLeft }) => !hasLeft)
        .map(({ client, instance, name, kids, heardAt }) => ({
          ...{ client, instance, name, kids },
          heardMillisAgo: Math.max(0, now - heardAt),
        })),
      left: known
        .filter(({ hasLeft }) => hasLeft)
        .map(({ client, instance, heardAt }) => ({
          ...{ client, instance },
          leftMillisAgo: Math.max(0, now - heardAt),
        })),
    };
  }

  private note(verifier: Omit<Verifier, 'heardAt' | 'bytes'>): void {
    const { client, instance } = verifier;
    this.forget(client, instance);
    const ofClient = this.byClient.get(client) ?? { byInstance: new Map<string, Verifier>(), bytes: 0 };
    const entry = { ...verifier, heardAt: this.ports.clock.monotonic(), bytes: weightOf(verifier) };
    ofClient.byInstance.set(instance, entry);
    this.byClient.set(client, ofClient);
    ofClient.bytes += entry.bytes;
    this.bytes += entry.bytes;
    while (ofClient.bytes > BYTES_PER_CLIENT) this.forgetOldest([ofClient]);
    while (this.bytes > BYTES_IN_ALL) this.forgetOldest(this.byClient.values());
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

function weightOf({ client, instance, name, kids }: Omit<Verifier, 'bytes' | 'heardAt' | 'hasLeft'>): number {
  return JSON.stringify([client, instance, name, ...kids]).length + 200;
}
