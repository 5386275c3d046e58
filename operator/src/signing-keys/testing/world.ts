import type { AuthStack } from '../../api/auth-stack.ts';
import type { KubernetesAction } from '../../runtime/cluster.ts';
import type { Secret } from '../../runtime/core-kinds.ts';
import { mergeConditions } from '../../runtime/conditions.ts';
import type { Condition, Millis } from '../../runtime/objects.ts';
import { publishedKeys } from '../../stored/jwks.ts';
import type { Kid, Lifetimes } from '../../stored/jwks.ts';
import { keyRing, readKeyRing } from '../../stored/key-ring.ts';
import type { Algorithm, StoredRing } from '../../stored/key-ring.ts';
import { readStored, secretOf } from '../../stored/secret.ts';
import { newRing } from '../apply.ts';
import { editRing } from '../edit.ts';
import type { EditContext, FreshKey } from '../edit.ts';
import { planSigningKeys } from '../plan.ts';
import type { KeysPlan } from '../plan.ts';
import { dependsOnPods } from '../pods.ts';
import { ringOf } from '../ring.ts';
import type { CreateRing, KeyHolder, KeyPolicy, KeysObservation, ReloadPods, RingAction, RingEdit } from '../types.ts';
import { activeKidOf, canUnwrap, holderOf, isReadableBy, reportOf } from './auth-pod.ts';
import type { AuthPod } from './auth-pod.ts';
import { Custody, plainKids, wrappedBy } from './custody.ts';
import { NOW, aStack, jwk, policy } from './seen.ts';
import { Verifiers } from './verifiers.ts';

interface Consumer {
  /** Whether there is a copy; a mount outlives its Secret. */
  readonly hasCopy: boolean;
  readonly createdAt: Millis;
  /** Each key of its copy or of the last one, and since when it has been there. */
  readonly holds: ReadonlyMap<Kid, Millis>;
}

/**
 * A stack's keys on virtual time, with everybody who signs and verifies at their slowest: a mount changes volumeRefresh after
 * its Secret, a key set is cached for all of its jwksMaxAge, and pods sign until the last moment they can. The mount of a pod may
 * also be stuck, and a pod may be silent: those keep no promise. The clock of the operator may be wrong; everybody else's is right.
 */
export class KeyWorld {
  now: Millis = NOW;
  /** The clock of the operator, by which it plans and which it stores. */
  clockAhead: Millis = 0;
  policy: KeyPolicy = { ...policy, rotationInterval: 60 * 60_000 };
  suspend = false;
  /** The annotation, as long as it stays. */
  revokeKey: Kid | undefined;
  /** The keys that were taken away. */
  readonly revoked: Set<Kid> = new Set();
  /** Of those, what was published again; empty as long as the law holds. */
  readonly resurrected: Kid[] = [];
  private backup: StoredRing | undefined;
  readonly consumers: Map<string, Consumer> = new Map();
  readonly custody: Custody = new Custody();
  /** What went against a law; empty as long as all hold. */
  readonly broken: string[] = [];
  promotions = 0;
  timesRewrapped = 0;

  /**
   * What the auth pods were started with: the Deployment follows the spec in the same pass, whether or not the writes of the keys
   * failed, but never beyond the lifetimes that this pass has read with the ring.
   */
  private settings: Pick<KeyPolicy, 'accessTokenTtl' | 'jwksMaxAge'> = this.policy;
  readonly pods: Map<string, AuthPod> = new Map();
  readonly verifiers: Verifiers = new Verifiers(this.pods, () => this.now);
  private conditions: Condition[] = [];
  private ring: { readonly value: StoredRing; readonly version: number } | undefined;
  private jwks: Secret | undefined;
  private version = 0;
  private made = 0;
  /** When each key was really published first. */
  private readonly publishedAt: Map<Kid, Millis> = new Map();
  /** When the last token that may have been signed with each key expires. */
  private readonly lastExpiry: Map<Kid, Millis> = new Map();
  /** Each ring that was stored, and since when. */
  private readonly stored: { readonly ring: StoredRing; readonly at: Millis }[] = [];
  /** Each jwksMaxAge, and since when pods have answered with it. */
  private readonly maxAges: { readonly since: Millis; readonly age: Millis }[] = [];

  /** How keys are made: without `fresh` they are names and no more. */
  private readonly fresh: EditContext['fresh'];

  constructor(fresh?: EditContext['fresh']) {
    this.fresh = fresh ?? ((algorithm) => this.aName(algorithm));
    this.maxAges.push({ since: this.now, age: this.policy.jwksMaxAge });
    this.startPod('shop-auth-1');
    this.startPod('shop-auth-2');
  }

  get stack(): AuthStack {
    return aStack({
      suspend: this.suspend,
      revokeKey: this.revokeKey,
      encryption: this.custody.wanted,
      status: { conditions: this.conditions },
    });
  }

  private get operatorsNow(): Millis {
    return this.now + this.clockAhead;
  }

  observe(): KeysObservation {
    const seen = this.seen();
    const ring = ringOf(seen);
    if (!ring || !dependsOnPods(ring)) return seen;
    this.verifiers.tell();
    return { ...seen, pods: [...this.pods].map(([name, pod]) => holderOf(name, pod, this.toldBy(name, pod))) };
  }

  private toldBy(name: string, pod: AuthPod): Pick<KeyHolder, 'report' | 'verifiers'> {
    if (pod.isSilent) return { report: 'unknown', verifiers: 'unknown' };
    return { report: reportOf(name, pod), verifiers: this.verifiers.knownTo(pod) };
  }

  private seen(): KeysObservation {
    const secret = this.ring && {
      ...secretOf(keyRing, this.stack, this.ring.value),
    };
    const stored: Secret | undefined = secret && {
      ...secret,
      metadata: { ...secret.metadata, resourceVersion: String(this.ring?.version) },
    };
    return {
      stack: this.stack,
      now: this.operatorsNow,
      clockOffset: { least: -this.clockAhead - 500, most: -this.clockAhead + 500 },
      policy: {
        ...this.policy,
        accessTokenTtl: Math.max(this.policy.accessTokenTtl, this.settings.accessTokenTtl),
        jwksMaxAge: Math.max(this.policy.jwksMaxAge, this.settings.jwksMaxAge),
      },
      ring: readKeyRing(this.stack, stored),
      jwks: readStored(publishedKeys, this.stack, this.jwks),
      imported: { state: 'notAsked' },
      wrappingKeys: this.custody.seen(),
      copies: [...this.consumers].map(([consumer, { hasCopy, createdAt, holds }]) => ({
        consumer,
        createdAt,
        kids: new Set(hasCopy ? holds.keys() : []),
        consumerSince: 0,
        revoked: new Map(),
      })),
      pods: [...this.pods].map(([name, pod]) => holderOf(name, pod, { report: 'notAsked', verifiers: 'notAsked' })),
      authServiceRunsSince: [...this.pods.values()].map(({ startedAt }) => startedAt),
      unseenNamespaces: [],
    };
  }

  /** One pass that ends, as by a crash, after so many writes. */
  pass(writes: number = Infinity): KeysPlan {
    const plan = planSigningKeys(this.observe());
    const noted = this.ring?.value.lifetimes;
    this.checkPublished(plan);
    this.perform(plan, writes);
    const types = ['KeysReady'];
    this.conditions = mergeConditions(this.conditions, plan.conditions, {
      now: this.operatorsNow,
      generation: 1,
      types,
    });
    // Without a ring pods are neither created nor changed.
    if (!this.suspend && noted) this.rollOut(noted);
    return plan;
  }

  private rollOut(noted: Lifetimes): void {
    const settings = {
      accessTokenTtl: Math.min(this.policy.accessTokenTtl, noted.accessTokenTtl),
      jwksMaxAge: Math.min(this.policy.jwksMaxAge, noted.jwksMaxAge),
    };
    if (this.settings.jwksMaxAge !== settings.jwksMaxAge) {
      this.maxAges.push({ since: this.now, age: settings.jwksMaxAge });
    }
    this.settings = settings;
    this.advance(0);
  }

  perform({ actions }: KeysPlan, writes: number = Infinity): void {
    for (const action of actions.slice(0, writes)) {
      if (this.suspend && !this.isForRevocation(action)) this.broken.push('a suspended stack was written to');
      if (action.type === 'reloadPods') this.reload(action);
      else if (action.type === 'createRing' || action.type === 'editRing') this.performOwn(action);
      else this.publish(action);
    }
  }

  advance(time: Millis): void {
    const end = this.now + time;
    this.verifiers.tell();
    for (const pod of this.pods.values()) {
      while (!pod.isStuck && (pod.coming[0]?.at ?? Infinity) <= end) {
        const [next] = pod.coming.splice(0, 1);
        if (next) this.load(pod, next.ring, Math.max(next.at, this.now));
      }
      this.sign(pod, end);
    }
    this.now = end;
    this.pods.forEach((pod) => {
      this.remount(pod);
    });
    this.verifiers.tell();
    this.checkRetired();
  }

  /** It mounts, in the worst case, what was stored volumeRefresh ago. */
  startPod(name: string): void {
    const pod: AuthPod = {
      ...{ startedAt: this.now - 1, ring: undefined, shown: undefined, coming: [], isStuck: false, isSilent: false },
      mounted: this.custody.shownAt(this.now - this.policy.volumeRefresh),
      revoked: new Set(),
      heard: new Map(),
    };
    this.pods.set(name, pod);
    const { volumeRefresh } = this.policy;
    const old = this.stored.findLastIndex(({ at }) => at <= this.now - volumeRefresh);
    const [first, ...later] = this.stored.slice(Math.max(0, old));
    // With the ring its Secret is gone, and a new pod cannot start.
    if (!first || !this.ring) return;
    this.load(pod, first.ring, this.now);
    for (const { ring, at } of later) pod.coming.push({ ring, at: Math.max(this.now, at + volumeRefresh) });
  }

  /** As where a kubelet is cut off: its mount shows the last ring that held that key, and goes on doing so. */
  startPodOnMountWith(kid: Kid, name: string): void {
    this.startPod(name);
    const pod = this.pods.get(name);
    const old = this.stored.findLast(({ ring }) => ring.keys.some((key) => key.kid === kid));
    if (!pod || !old || !this.ring) return;
    this.load(pod, old.ring, this.now);
    pod.isStuck = true;
  }

  /** A ring without an active key is of no use to it, nor is one that it cannot unwrap. */
  private load(pod: AuthPod, ring: StoredRing, at: Millis): void {
    pod.shown = ring;
    this.use(pod, ring, at);
  }

  private use(pod: AuthPod, ring: StoredRing, at: Millis): void {
    this.sign(pod, at);
    const keys = ring.keys.filter(({ kid }) => !pod.revoked.has(kid));
    if (activeKidOf(ring) !== undefined && canUnwrap(pod, ring)) pod.ring = { ...ring, keys };
    this.sign(pod, at);
  }

  /** The mount of the owner's Secret, as late as any other. */
  private remount(pod: AuthPod): void {
    if (pod.isStuck) return;
    pod.mounted = this.custody.shownAt(this.now - this.policy.volumeRefresh);
    if (pod.shown) this.use(pod, pod.shown, this.now);
  }

  private sign({ ring }: AuthPod, until: Millis): void {
    const kid = activeKidOf(ring);
    if (kid === undefined) return;
    const expiry = until + this.settings.accessTokenTtl;
    this.lastExpiry.set(kid, Math.max(this.lastExpiry.get(kid) ?? 0, expiry));
  }

  change(change: Partial<KeyPolicy>): void {
    this.policy = { ...this.policy, ...change };
  }

  /** The copy as the consumers' reconciler writes it from the published keys. */
  sync(consumer: string): void {
    const published = readStored(publishedKeys, this.stack, this.jwks);
    const kids = published.state === 'value' ? published.value.keys.map(({ kid }) => kid) : [];
    const before = this.consumers.get(consumer);
    // A pod that mounts a Secret for the first time gets all of it at once.
    const since = before ? this.now : -Infinity;
    const holds = new Map(kids.map((kid) => [kid, before?.holds.get(kid) ?? since]));
    const createdAt = before?.hasCopy === true ? before.createdAt : this.now;
    this.consumers.set(consumer, { hasCopy: true, createdAt, holds });
  }

  /** Somebody deletes the copy: what has reached the mount stays there. */
  loseCopy(consumer: string): void {
    const before = this.consumers.get(consumer);
    if (!before) return;
    const mounted = [...before.holds].filter(([, since]) => since + this.policy.volumeRefresh <= this.now);
    this.consumers.set(consumer, { hasCopy: false, createdAt: 0, holds: new Map(mounted) });
  }

  /** The Secret is deleted; pods sign from memory. */
  loseRing(): void {
    this.ring = undefined;
  }

  backUpRing(): void {
    this.backup = this.ring?.value;
  }

  restoreRing(): void {
    if (this.backup) this.store(this.backup);
  }

  get keysAsStored(): StoredRing['keys'] | undefined {
    return this.ring?.value.keys;
  }

  /** The keys that private halves are wrapped with; undefined: with none. */
  get wrappedBy(): ReadonlySet<string | undefined> {
    return new Set(this.ring?.value.keys.flatMap((key) => (key.phase === 'retiring' ? [] : [wrappedBy(key)])));
  }

  get kids(): readonly Kid[] {
    return this.ring?.value.keys.map(({ kid }) => kid) ?? [];
  }

  private publish(action: KubernetesAction): void {
    if (action.type !== 'apply') throw new Error(`unexpected ${action.type}`);
    this.jwks = action.object;
    if (JSON.stringify(this.jwks).includes(btoa('private'))) this.broken.push('a private half was published');
  }

  /** A pod uses what it was told, as far as it has the private halves, and never again a key that was revoked. */
  private reload({ pods, wanted }: ReloadPods): void {
    for (const { name } of pods) {
      const pod = this.pods.get(name);
      if (!pod || pod.isSilent) continue;
      wanted.revokedKids.forEach((kid) => pod.revoked.add(kid));
      if (pod.ring) this.use(pod, pod.ring, this.now);
    }
  }

  private performOwn(action: Exclude<RingAction, ReloadPods>): void {
    if (action.type === 'createRing') {
      if (!this.ring) this.create(action);
      return;
    }
    if (!this.ring || String(this.ring.version) !== action.resourceVersion) return;
    const { edit } = action;
    const before = this.ring.value;
    const after = this.custody.wrapped(editRing(before, edit, this.context));
    if (!after) return;
    this.check(edit, before, after);
    if (edit.type === 'revoke') edit.kids.forEach((kid) => this.revoked.add(kid));
    this.store(after);
  }

  private create(action: CreateRing): void {
    const made = this.custody.wrapped(newRing(action, this.context));
    if (!made) return;
    action.revocation?.kids.forEach((kid) => this.revoked.add(kid));
    this.checkStaysWrapped(undefined, made);
    this.store(made);
  }

  private check(edit: RingEdit, before: StoredRing, after: StoredRing): void {
    this.checkStaysWrapped(before, after);
    if (edit.type === 'rewrap') this.checkRewrapped(before, after);
    if (edit.type === 'promote') this.checkPromotion(before, edit.kid);
    if (edit.type !== 'forget') return;
    edit.kids.forEach((kid) => {
      this.checkForgotten(kid);
    });
  }

  private checkStaysWrapped(before: StoredRing | undefined, after: StoredRing): void {
    if (this.custody.wanted === undefined || (before && plainKids(before).length > 0)) return;
    this.broken.push(...plainKids(after).map((kid) => `${kid} is stored plain, and is to be wrapped`));
  }

  /** What is as it was asked for is not written again, and a pod that starts in the next moment can read what is. */
  private checkRewrapped(before: StoredRing, after: StoredRing): void {
    this.timesRewrapped += 1;
    const isSame = JSON.stringify(before.wrapping) === JSON.stringify(after.wrapping);
    if (isSame) this.broken.push('the ring is wrapped as it was');
    for (const [name, pod] of this.pods) {
      const isReadable = after.keys.every((key) => isReadableBy(pod, key));
      if (!isReadable) this.broken.push(`pod ${name} cannot unwrap what is stored`);
    }
  }

  /** Throws where the ring could not be read back: two active keys, say. */
  private store(value: StoredRing): void {
    secretOf(keyRing, this.stack, value);
    this.version += 1;
    this.ring = { value, version: this.version };
    this.stored.push({ ring: value, at: this.now });
    for (const { kid } of value.keys) if (!this.publishedAt.has(kid)) this.publishedAt.set(kid, this.now);
    for (const pod of this.pods.values()) {
      // A pod starts with what is there.
      if (pod.ring) pod.coming.push({ ring: value, at: this.now + this.policy.volumeRefresh });
      else this.load(pod, value, this.now);
    }
  }

  private checkPromotion({ keys }: StoredRing, kid: Kid): void {
    this.promotions += 1;
    // The first key and a lost ring are emergencies: nobody can wait for what signs nothing.
    if (keys.every(({ phase }) => phase !== 'active')) return;
    const { volumeRefresh } = this.policy;
    for (const [consumer, { holds }] of this.consumers) {
      const since = holds.get(kid) ?? Infinity;
      if (since + volumeRefresh > this.now) this.broken.push(`${kid} signs and the mount of ${consumer} may lack it`);
    }
    this.checkPodsHold(kid);
    const consents = (client: string): boolean => this.consumers.has(client);
    this.broken.push(...this.verifiers.whyNotYet(kid, { consents, maxWait: this.policy.maxWait }));
    const publishedAt = this.publishedAt.get(kid) ?? Infinity;
    const oldest = this.oldestCachedAt();
    if (publishedAt + volumeRefresh > oldest) this.broken.push(`${kid} signs and a cached key set may lack it`);
  }

  private checkPodsHold(kid: Kid): void {
    for (const [name, { ring }] of this.pods) {
      const lacksIt = ring?.keys.every((key) => key.kid !== kid) === true;
      if (lacksIt) this.broken.push(`${kid} signs and pod ${name} lacks it`);
    }
  }

  /** When the oldest key set that somebody may still use was fetched. */
  private oldestCachedAt(): Millis {
    const fetches = this.maxAges.map(({ since, age }, index) => {
      const until = this.maxAges[index + 1]?.since ?? this.now;
      const fetchedAt = Math.max(since, this.now - age);
      return fetchedAt < until || index === this.maxAges.length - 1 ? fetchedAt : Infinity;
    });
    return Math.min(...fetches);
  }

  private checkForgotten(kid: Kid): void {
    if ((this.lastExpiry.get(kid) ?? 0) > this.now) {
      this.broken.push(`${kid} is forgotten before its last token has expired`);
    }
  }

  /** While a token lives, its key is published, unless the ring is gone and about to be made from what is published. */
  private checkRetired(): void {
    if (!this.ring) return;
    const kids = new Set(this.ring.value.keys.map(({ kid }) => kid));
    for (const [kid, expiry] of this.lastExpiry) {
      if (expiry > this.now && !kids.has(kid) && !this.revoked.has(kid)) {
        this.broken.push(`a token of ${kid} lives and its key is not published`);
      }
    }
  }

  get publishedKids(): readonly Kid[] {
    const published = readStored(publishedKeys, this.stack, this.jwks);
    return published.state === 'value' ? published.value.keys.map(({ kid }) => kid) : [];
  }

  /** From the ring's write until the key set remembers it as well. */
  get isRevoking(): boolean {
    const published = readStored(publishedKeys, this.stack, this.jwks);
    const known = new Set(published.state === 'value' ? published.value.revoked?.map(({ kid }) => kid) : []);
    return [...this.revoked].some((kid) => !known.has(kid));
  }

  get copiedKids(): readonly Kid[] {
    return [...this.consumers.values()].flatMap(({ hasCopy, holds }) => (hasCopy ? [...holds.keys()] : []));
  }

  /** What a suspended stack is written to for. */
  private isForRevocation(action: KeysPlan['actions'][number]): boolean {
    if (action.type === 'editRing') return action.edit.type === 'revoke';
    return (action.type === 'apply' || action.type === 'reloadPods') && this.revoked.size > 0;
  }

  /** Of a plan that sees everything that was written; the next one mends what one that is behind has written. */
  private checkPublished({ actions }: KeysPlan): void {
    for (const action of actions) {
      if (action.type !== 'apply') continue;
      const published = readStored(publishedKeys, this.stack, action.object);
      const keys = published.state === 'value' ? published.value.keys : [];
      const back = keys.filter(({ kid }) => this.revoked.has(kid));
      this.resurrected.push(...back.map(({ kid }) => kid));
    }
  }

  private get context(): EditContext {
    return { at: this.operatorsNow, fresh: this.fresh };
  }

  private aName(algorithm: Algorithm): FreshKey {
    this.made += 1;
    const kid = `k${this.made}`;
    const key = {
      kid,
      phase: 'next',
      algorithm,
      publishedAt: this.operatorsNow,
      publicJwk: jwk(kid, algorithm),
    } as const;
    return { ...key, privateJwk: { d: 'private' } };
  }

  get activeKey(): { readonly kid: Kid; readonly activatedAt: Millis } | undefined {
    return this.ring?.value.keys.find((key) => key.phase === 'active');
  }
}
