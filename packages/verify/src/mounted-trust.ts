import type { Clock } from './clock.ts';
import { MountUnusable } from './errors.ts';
import type { FeedStatus } from './feed.ts';
import { KeysInForce } from './keys-in-force.ts';
import type { FedKeys } from './keys-in-force.ts';
import { Mount } from './mount.ts';
import type { ClientStatus } from './service-client.ts';
import { parseTrust } from './trust.ts';
import type { Trust, TrustFiles } from './trust.ts';

export type VerifierStatus =
  | { readonly state: 'waiting'; readonly reason: string }
  /**
   * `staleReason`: why what is mounted now is unusable, so that an earlier Secret is still in force. `ignoredKeys`: why keys
   * of `jwks.json` are not used, a sentence for each. `client`: how the auth service knows this service, and why it refuses it.
   * `feed`: whether it tells of changes at once. `revokedKids`: those that it has said verify nothing any more.
   */
  | {
      readonly state: 'ready';
      readonly issuer: string;
      readonly kids: readonly string[];
      readonly client: ClientStatus;
      readonly feed: FeedStatus;
      readonly revokedKids?: readonly string[];
      readonly ignoredKeys?: readonly string[];
      readonly staleReason?: string;
    };

export type TrustEvent =
  /** The mounted Secret was read and is in force. `ignoredKeys`: why further keys are not used, a sentence for each. */
  | {
      readonly type: 'loaded';
      readonly issuer: string;
      readonly kids: readonly string[];
      readonly ignoredKeys: readonly string[];
    }
  /** The mounted Secret is unusable. `keptKids`: the keys that stay in force, none if there never were any. */
  | { readonly type: 'notLoaded'; readonly reason: string; readonly keptKids: readonly string[] }
  /** By the feed other keys are in force. `revokedKids`: all that it has said verify nothing any more. */
  | { readonly type: 'keysFed'; readonly kids: readonly string[]; readonly revokedKids: readonly string[] };

export interface MountedTrustOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly report: (event: TrustEvent) => void;
  /** What was verified before must be verified again. */
  readonly replaced: () => void;
  readonly keysChanged: () => void;
  /** The Secret was read; `hasMoved`: it names another auth service, or knows this service by another name. */
  readonly mounted: (change: { readonly hasMoved: boolean }) => void;
  readonly clientOf: (trust: Trust) => ClientStatus;
  readonly feed: () => FeedStatus;
}

/** The last usable content of the mounted Secret, with the keys that the feed has told of since. */
export class MountedTrust {
  private readonly options: MountedTrustOptions;
  private readonly mount: Mount;
  private readonly keys: KeysInForce = new KeysInForce();
  private inForce: Trust | undefined;
  private reason: string | undefined;

  constructor(options: MountedTrustOptions) {
    this.options = options;
    const { directory, clock } = options;
    this.reason = `${directory}: not read yet`;
    this.mount = new Mount({
      directory,
      clock,
      changed: (content) => {
        this.replace(content);
      },
    });
  }

  get current(): Trust | undefined {
    return this.inForce;
  }

  get status(): VerifierStatus {
    const { inForce, reason } = this;
    if (!inForce) return { state: 'waiting', reason: reason ?? '' };
    const { issuer, keys, ignored } = inForce;
    const { revokedKids } = this.keys;
    if (keys.size === 0) return { state: 'waiting', reason: reason ?? this.withoutKeys(ignored) };
    return {
      state: 'ready',
      issuer,
      kids: kidsOf(inForce),
      client: this.options.clientOf(inForce),
      feed: this.options.feed(),
      ...(revokedKids.length > 0 && { revokedKids }),
      ...(ignored.length > 0 && { ignoredKeys: ignored }),
      ...(reason !== undefined && { staleReason: reason }),
    };
  }

  start(): void {
    this.mount.start();
  }

  close(): void {
    this.mount.close();
  }

  /** What the feed tells. */
  fed(told: FedKeys): void {
    const { report, replaced, keysChanged } = this.options;
    const { hasChanged, hasLost } = this.keys.feed(told);
    if (!this.inForce || !hasChanged) return;
    const { keys, revokedKids } = this.keys;
    this.inForce = { ...this.inForce, keys };
    if (hasLost) replaced();
    report({ type: 'keysFed', kids: kidsOf(this.inForce), revokedKids });
    keysChanged();
  }

  feedIsAway(): void {
    this.keys.feedIsAway();
  }

  private withoutKeys(ignored: readonly string[]): string {
    const revoked = this.keys.revokedKids.map((kid) => `${kid} is revoked`);
    const reasons = [...ignored, ...revoked];
    const why = reasons.length > 0 ? ` (${reasons.join('; ')})` : '';
    return `${this.options.directory}: jwks.json has no key that can be used${why}`;
  }

  private replace(content: TrustFiles | MountUnusable): void {
    const { directory, report, replaced, keysChanged, mounted } = this.options;
    try {
      if (content instanceof MountUnusable) throw content;
      const trust = parseTrust(content);
      const before = this.inForce;
      if (before && before.issuer !== trust.issuer) this.keys.forgetFeed();
      this.keys.mount(trust.keys);
      this.inForce = { ...trust, keys: this.keys.keys };
      this.reason = undefined;
      replaced();
      report({ type: 'loaded', issuer: trust.issuer, kids: kidsOf(this.inForce), ignoredKeys: trust.ignored });
      mounted({ hasMoved: before !== undefined && whoAnswers(before) !== whoAnswers(trust) });
      keysChanged();
    } catch (error) {
      if (!(error instanceof MountUnusable)) throw error;
      this.reason = `${directory}: ${error.message}`;
      report({ type: 'notLoaded', reason: this.reason, keptKids: kidsOf(this.inForce) });
    }
  }
}

function whoAnswers({ issuer, authUrl, ca, clientId }: Trust): string {
  return JSON.stringify([issuer, authUrl, ca, clientId]);
}

function kidsOf(trust: Trust | undefined): readonly string[] {
  return [...(trust?.keys.keys() ?? [])];
}
