import type { ClientsDocument } from '@authstack/auth-service/api';
import { CONSUMER_LABEL, namesOf } from '../../operator/src/api/names.ts';
import type { ApiClient } from '../../operator/src/runtime/client.ts';
import { systemClock } from '../../operator/src/runtime/clock.ts';
import { persistentVolumeClaimKind, podKind, secretKind, serviceKind } from '../../operator/src/runtime/core-kinds.ts';
import type { PersistentVolumeClaim, Pod, Secret } from '../../operator/src/runtime/core-kinds.ts';
import { sameJson } from '../../operator/src/runtime/json.ts';
import { silent } from '../../operator/src/runtime/log.ts';
import type { Kind, KubernetesObject, Millis } from '../../operator/src/runtime/objects.ts';
import { runReflector } from '../../operator/src/runtime/reflector.ts';
import { Store } from '../../operator/src/runtime/store.ts';
import { secretHash } from '../../operator/src/stored/client-key.ts';
import { clientSecretIn, consumerOfCopy } from '../../operator/src/stored/consumer-copy.ts';
import { podsLostAt } from './served-pods.ts';
import type { Service } from './served-pods.ts';

export interface InvariantOptions {
  readonly client: ApiClient;
  readonly now: () => Millis;
  readonly stack: string;
  /** How long a key must have been published before it may sign. */
  readonly lead: Millis;
  /** How long a consumer's pods may have mounted what its Secret no longer holds. */
  readonly volumeRefresh: Millis;
}

interface Recorded {
  /** kid → when it was first seen in the stack's key set. */
  readonly published: Map<string, Millis>;
  readonly sets: Set<string>;
  /** Keys that the ring has said were revoked. */
  readonly revoked: Set<string>;
  activeKid: string | undefined;
  /** Hash of each client secret that the consumer's Secret has held → when it was last seen to; absent: it holds it. */
  readonly secrets: Map<string, Millis | undefined>;
  /** Names of pods that may be taken out of their Service. */
  readonly excused: Set<string>;
  readonly violations: string[];
}

/** Sees every version of Secrets and claims, bypassing the gateway, and records each violation of what must always hold. */
export class InvariantChecker {
  private readonly options: InvariantOptions;
  private readonly secrets: Store<Secret> = new Store();
  private readonly claims: Store<PersistentVolumeClaim> = new Store();
  private readonly pods: Store<Pod> = new Store();
  private readonly services: Store<Service> = new Store();
  private readonly seen: Map<string, Recorded> = new Map();
  private readonly consumers: Map<string, string> = new Map();
  private readonly stop: AbortController = new AbortController();
  private readonly watching: Promise<void>[] = [];
  private readonly checks: Set<Promise<void>> = new Set();

  constructor(options: InvariantOptions) {
    this.options = options;
    this.secrets.onChange(({ before, after }) => {
      if (after) this.checkSecret(after);
      const copy = after ?? before;
      if (copy && consumerOfCopy(copy) !== undefined) this.recordCopy(copy, after);
    });
    this.claims.onChange(({ before, after }) => {
      const claim = after ?? before;
      if (claim && (!after || after.metadata.deletionTimestamp !== undefined)) this.recordDeletion(claim);
    });
    this.pods.onChange(({ before, after }) => {
      if (!before || !after || sameJson(before.metadata.labels ?? {}, after.metadata.labels ?? {})) return;
      this.begin(this.checkServed(after));
    });
    this.services.onChange(({ before, after }) => {
      if (!before || !after || sameJson(before.spec ?? {}, after.spec ?? {})) return;
      this.begin(this.checkServed(after));
    });
    this.watch(secretKind, this.secrets);
    this.watch(podKind, this.pods);
    this.watch<Service>(serviceKind, this.services);
    this.watch(persistentVolumeClaimKind, this.claims);
  }

  /** From now on for this stack, whose consumer lives in another namespace. */
  follow(namespace: string, consumerNamespace: string): void {
    const empty = { published: new Map<string, Millis>(), sets: new Set<string>(), revoked: new Set<string>() };
    this.seen.set(namespace, {
      ...empty,
      secrets: new Map(),
      activeKid: undefined,
      excused: new Set(),
      violations: [],
    });
    this.consumers.set(namespace, consumerNamespace);
  }

  /** Deletions from now on are the test's own. */
  forget(namespace: string): void {
    this.seen.delete(namespace);
  }

  /** This pod alone cannot be reached, so it may be taken out of its Service; the last one may not. */
  excuse({ metadata: { namespace = '', name } }: Pod): void {
    this.seen.get(namespace)?.excused.add(name);
  }

  /** From now on each of them can be reached again. */
  excuseNone(namespace: string): void {
    this.seen.get(namespace)?.excused.clear();
  }

  /** The violations since the last call. */
  async violations(namespace: string): Promise<readonly string[]> {
    await Promise.all(this.checks);
    return this.seen.get(namespace)?.violations.splice(0) ?? [];
  }

  /** The replica sets that the stack's identity has named, in their order. */
  setsOf(namespace: string): readonly string[] {
    return [...(this.seen.get(namespace)?.sets ?? [])];
  }

  async close(): Promise<void> {
    this.stop.abort();
    await Promise.all([...this.watching, ...this.checks]);
  }

  private begin(check: Promise<void>): void {
    const ended = check.finally(() => this.checks.delete(ended));
    this.checks.add(ended);
  }

  private watch<T extends KubernetesObject>(kind: Kind<T>, store: Store<T>): void {
    const options = { client: this.options.client, kind, store, clock: systemClock, log: silent };
    this.watching.push(runReflector(options, this.stop.signal, () => undefined));
  }

  private checkSecret(secret: Secret): void {
    const { namespace = '', name } = secret.metadata;
    const recorded = this.seen.get(namespace);
    if (!recorded) return;
    const names = namesOf(this.options.stack);
    if (name === names.jwks) this.recordKeySet(secret, recorded);
    if (name === names.signingKeys) this.checkRing(secret, namespace, recorded);
    if (name === names.identity) this.checkIdentity(secret, recorded);
    if (name === names.clients) this.checkClients(secret, recorded);
  }

  /** With the copy its consumer's consent has ended. */
  private recordCopy({ metadata }: Secret, copy: Secret | undefined): void {
    const [namespace = ''] = [...this.consumers].find(([, consumer]) => consumer === metadata.namespace) ?? [];
    const recorded = this.seen.get(namespace);
    if (!recorded) return;
    if (!copy) recorded.secrets.clear();
    const secret = copy && clientSecretIn(copy);
    if (secret === undefined) return;
    const held = secretHash(secret);
    for (const [hash, until] of recorded.secrets) {
      if (hash !== held && until === undefined) recorded.secrets.set(hash, this.options.now());
    }
    recorded.secrets.set(held, undefined);
    const document = this.secrets.get({ namespace, name: namesOf(this.options.stack).clients });
    if (document) this.checkClients(document, recorded);
  }

  /** What a consumer's pods may have mounted is accepted, for as long as its consent is recorded. */
  private checkClients(secret: Secret, { secrets, violations }: Recorded): void {
    const now = this.options.now();
    const { clients } = JSON.parse(textOf(secret, 'clients.json')) as ClientsDocument;
    for (const { id, secrets: accepted = [] } of clients) {
      const inForce = accepted.filter(({ notAfter }) => notAfter === undefined || Date.parse(notAfter) > now);
      const needed = [...secrets].filter(
        ([, until]) => until === undefined || now - until < this.options.volumeRefresh,
      );
      const lacking = needed.filter(([hash]) => inForce.every(({ sha256 }) => sha256 !== hash));
      violations.push(...lacking.map(() => `a client secret that pods of ${id} have is not accepted`));
    }
  }

  private recordKeySet(secret: Secret, { published }: Recorded): void {
    for (const kid of kidsOf(secret)) if (!published.has(kid)) published.set(kid, this.options.now());
  }

  private checkRing(secret: Secret, namespace: string, recorded: Recorded): void {
    const ring = JSON.parse(textOf(secret, 'ring.json')) as {
      keys: readonly { kid: string; phase: string }[];
      revoked?: readonly { kid: string }[];
    };
    for (const { kid } of ring.revoked ?? []) recorded.revoked.add(kid);
    const back = ring.keys.filter((key) => recorded.revoked.has(key.kid));
    recorded.violations.push(...back.map((key) => `key ${key.kid} was revoked and is in the ring`));
    const kid = ring.keys.find(({ phase }) => phase === 'active')?.kid;
    const { activeKid, published, revoked, violations } = recorded;
    recorded.activeKid = kid;
    // The first key signs at once: no consumer can lack it yet.
    if (kid === undefined || kid === activeKid || activeKid === undefined) return;
    // Nobody waits with a key that was stolen, and whoever lacks the next one refuses its tokens until then.
    if (revoked.has(activeKid)) return;
    const since = published.get(kid);
    if (since === undefined) violations.push(`key ${kid} signs and was never published`);
    else if (this.options.now() - since < this.options.lead) violations.push(`key ${kid} signs before its lead`);
    for (const copy of this.copiesOf(namespace)) {
      if (!kidsOf(copy).includes(kid)) violations.push(`key ${kid} signs and the copy ${copy.metadata.name} lacks it`);
    }
  }

  private copiesOf(namespace: string): readonly Secret[] {
    const consumerNamespace = this.consumers.get(namespace) ?? '';
    const secrets = this.secrets.list({ namespace: consumerNamespace });
    return secrets.filter(({ metadata }) => metadata.labels?.[CONSUMER_LABEL] !== undefined);
  }

  private checkIdentity(secret: Secret, { sets, violations }: Recorded): void {
    const id = textOf(secret, 'replica-set-id');
    if (id === '' || sets.has(id)) return;
    sets.add(id);
    if (sets.size > 1) violations.push(`the replica set was initiated more than once: ${[...sets].join(', ')}`);
  }

  private recordDeletion({ metadata: { namespace = '', name } }: PersistentVolumeClaim): void {
    this.seen.get(namespace)?.violations.push(`PersistentVolumeClaim ${name} was deleted`);
  }

  /** What the change to this pod or Service has taken from the Service of the auth pods; here every pod that is ready serves. */
  private async checkServed({ metadata: { namespace = '', resourceVersion = '' } }: KubernetesObject): Promise<void> {
    const recorded = this.seen.get(namespace);
    if (!recorded) return;
    const { client, stack } = this.options;
    const service = { namespace, name: namesOf(stack).auth };
    const look = { service, revision: BigInt(resourceVersion), signal: this.stop.signal };
    try {
      const { pods, wereLast } = await podsLostAt(client, look);
      const { violations, excused } = recorded;
      const causeless = pods.filter((name) => !excused.has(name));
      violations.push(...causeless.map((name) => `Pod ${name} was taken out of its Service`));
      if (wereLast) violations.push(`${pods.join(', ')} was taken out of its Service, which has no other`);
    } catch (error) {
      // A namespace that was deleted is looked at no more.
      if (!this.stop.signal.aborted && this.seen.get(namespace) === recorded) {
        recorded.violations.push(`its Service was not looked at: ${String(error)}`);
      }
    }
  }
}

function kidsOf(secret: Secret): readonly string[] {
  const { keys } = JSON.parse(textOf(secret, 'jwks.json')) as { keys: readonly { kid: string }[] };
  return keys.map(({ kid }) => kid);
}

function textOf({ data = {} }: Secret, key: string): string {
  return Buffer.from(data[key] ?? '', 'base64').toString('utf8');
}
