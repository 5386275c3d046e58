import type { Verifier as Told } from '../../auth-pods/verifiers.ts';
import type { Millis } from '../../runtime/objects.ts';
import type { Kid } from '../../stored/jwks.ts';
import { RECONNECTED } from '../horizons.ts';

/** What a service told an auth pod last. */
export interface Heard {
  readonly client: string;
  readonly kids: readonly Kid[];
  readonly at: Millis;
  /** It was a goodbye. */
  readonly hasLeft?: true;
}

interface Pod {
  readonly ring: { readonly keys: readonly { readonly kid: Kid }[] } | undefined;
  /** By instance. */
  readonly heard: Map<string, Heard>;
}

/** An instance of a service that verifies tokens and is connected to a pod, or will be again. */
interface Verifier {
  readonly client: string;
  kids: readonly Kid[];
  /** It loads no other keys, whatever it is told. */
  isStuck: boolean;
  /** Undefined while it looks for another. */
  pod: string | undefined;
  /** When it has found one, at the latest. */
  reconnectsAt: Millis;
}

/** The services that are connected to the auth pods of a `KeyWorld`; one whose pod is gone takes its time to find another. */
export class Verifiers {
  private readonly pods: ReadonlyMap<string, Pod>;
  private readonly now: () => Millis;
  private readonly connected: Map<string, Verifier> = new Map();
  private readonly left = new Set<string>();

  constructor(pods: ReadonlyMap<string, Pod>, now: () => Millis) {
    this.pods = pods;
    this.now = now;
  }

  connect(instance: string, client: string): void {
    this.left.delete(instance);
    this.connected.set(instance, { client, kids: [], isStuck: false, pod: undefined, reconnectsAt: this.now() });
    this.tell();
  }

  /** Its pods remember it. */
  vanish(instance: string): void {
    this.tell();
    this.connected.delete(instance);
  }

  /** It tells whichever pod it reaches, and ends or, against the contract, stays. */
  sayGoodbye(instance: string, pod: string, { stays }: { readonly stays: boolean }): void {
    this.tell();
    const verifier = this.connected.get(instance);
    const { heard } = this.pods.get(pod) ?? {};
    if (!verifier) return;
    heard?.set(instance, { client: verifier.client, kids: [], at: this.now(), hasLeft: true });
    // It loads no more keys either, or nobody would miss it.
    verifier.isStuck ||= stays;
    if (stays) return;
    this.connected.delete(instance);
    if (heard) this.left.add(instance);
  }

  /** It loads no more keys, or does again. */
  toggleStuck(instance: string): void {
    const verifier = this.connected.get(instance);
    if (verifier) verifier.isStuck = !verifier.isStuck;
  }

  free(): void {
    for (const verifier of this.connected.values()) verifier.isStuck = false;
  }

  /** Those that are connected load what their pod has, and say so. */
  tell(): void {
    for (const [instance, verifier] of this.connected) {
      const pod = this.podOf(verifier);
      if (!pod) continue;
      if (!verifier.isStuck) verifier.kids = pod.ring?.keys.map(({ kid }) => kid) ?? [];
      const { client, kids } = verifier;
      pod.heard.set(instance, { client, kids, at: this.now() });
    }
  }

  /** As the operator is told. */
  knownTo({ heard }: Pod): Told[] {
    return [...heard].map(([instance, { client, kids, at, hasLeft }]) => ({
      ...{ client, instance, name: '', kids: [...kids], heardMillisAgo: this.now() - at },
      ...(hasLeft && { hasLeft }),
    }));
  }

  /** Why that key must not sign yet, a sentence each. */
  whyNotYet(
    kid: Kid,
    { consents, maxWait }: { readonly consents: (client: string) => boolean; readonly maxWait: Millis },
  ): readonly string[] {
    // Without a pod there is nobody to connect to, and whoever was connected has had the lead.
    if (this.pods.size === 0) return [];
    const lacksIt = ([, { client, kids }]: readonly [string, Pick<Verifier, 'client' | 'kids'>]): boolean =>
      consents(client) && !kids.includes(kid);
    const remembered = [...this.pods.values()].flatMap(({ heard }) => [...heard]);
    const mayComeBack = remembered.filter(
      ([instance, { at, hasLeft }]) =>
        hasLeft !== true && !this.connected.has(instance) && !this.left.has(instance) && this.now() - at < maxWait,
    );
    return [
      ...[...this.connected]
        .filter(lacksIt)
        .map(([instance, { client }]) => `${kid} signs and ${client} (${instance}) lacks it`),
      ...mayComeBack
        .filter(lacksIt)
        .map(([instance, { client }]) => `${kid} signs and ${client} (${instance}) may come back without it`),
    ];
  }

  private podOf(verifier: Verifier): Pod | undefined {
    if (verifier.pod !== undefined && !this.pods.has(verifier.pod)) {
      Object.assign(verifier, { pod: undefined, reconnectsAt: this.now() + RECONNECTED });
    }
    if (verifier.pod === undefined && verifier.reconnectsAt <= this.now()) [verifier.pod] = this.pods.keys();
    return verifier.pod === undefined ? undefined : this.pods.get(verifier.pod);
  }
}
