import type { Clock } from './clock.ts';
import { MountUnusable } from './errors.ts';
import { Mount } from './mount.ts';
import type { ClientStatus } from './service-client.ts';
import { parseTrust } from './trust.ts';
import type { Trust, TrustFiles } from './trust.ts';

export type VerifierStatus =
  | { readonly state: 'waiting'; readonly reason: string }
  /**
   * `staleReason`: why what is mounted now is unusable, so that an earlier Secret is still in force. `ignoredKeys`: why keys
   * of `jwks.json` are not used, a sentence for each. `client`: how the auth service knows this service, and why it refuses it.
   */
  | {
      readonly state: 'ready';
      readonly issuer: string;
      readonly kids: readonly string[];
      readonly client: ClientStatus;
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
  | { readonly type: 'notLoaded'; readonly reason: string; readonly keptKids: readonly string[] };

export interface MountedTrustOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly report: (event: TrustEvent) => void;
  readonly replaced: () => void;
  readonly clientOf: (trust: Trust) => ClientStatus;
}

/** The last usable content of the mounted Secret. */
export class MountedTrust {
  private readonly options: MountedTrustOptions;
  private readonly mount: Mount;
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
    if (keys.size === 0) return { state: 'waiting', reason: reason ?? this.withoutKeys(ignored) };
    return {
      state: 'ready',
      issuer,
      kids: kidsOf(inForce),
      client: this.options.clientOf(inForce),
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

  private withoutKeys(ignored: readonly string[]): string {
    const why = ignored.length > 0 ? ` (${ignored.join('; ')})` : '';
    return `${this.options.directory}: jwks.json has no key that can be used${why}`;
  }

  private replace(content: TrustFiles | MountUnusable): void {
    const { directory, report, replaced } = this.options;
    try {
      if (content instanceof MountUnusable) throw content;
      const trust = parseTrust(content);
      this.inForce = trust;
      this.reason = undefined;
      replaced();
      report({ type: 'loaded', issuer: trust.issuer, kids: kidsOf(trust), ignoredKeys: trust.ignored });
    } catch (error) {
      if (!(error instanceof MountUnusable)) throw error;
      this.reason = `${directory}: ${error.message}`;
      report({ type: 'notLoaded', reason: this.reason, keptKids: kidsOf(this.inForce) });
    }
  }
}

function kidsOf(trust: Trust | undefined): readonly string[] {
  return [...(trust?.keys.keys() ?? [])];
}
