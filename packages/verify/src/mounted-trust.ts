import type { Clock } from './clock.ts';
import { MountUnusable } from './errors.ts';
import { Mount } from './mount.ts';
import { parseTrust } from './trust.ts';
import type { Trust, TrustFiles } from './trust.ts';

export type VerifierStatus =
  | { readonly state: 'waiting'; readonly reason: string }
  /** `staleReason`: why what is mounted now is unusable, so that an earlier Secret is still in force. */
  | {
      readonly state: 'ready';
      readonly issuer: string;
      readonly kids: readonly string[];
      readonly staleReason?: string;
    };

export type TrustEvent =
  /** The mounted Secret was read and is in force. */
  | { readonly type: 'loaded'; readonly issuer: string; readonly kids: readonly string[] }
  /** The mounted Secret is unusable. `keptKids`: the keys that stay in force, none if there never were any. */
  | { readonly type: 'notLoaded'; readonly reason: string; readonly keptKids: readonly string[] };

export interface MountedTrustOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly report: (event: TrustEvent) => void;
  readonly replaced: () => void;
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
    const { issuer } = inForce;
    return { state: 'ready', issuer, kids: kidsOf(inForce), ...(reason !== undefined && { staleReason: reason }) };
  }

  start(): void {
    this.mount.start();
  }

  close(): void {
    this.mount.close();
  }

  private replace(content: TrustFiles | MountUnusable): void {
    const { directory, report, replaced } = this.options;
    try {
      if (content instanceof MountUnusable) throw content;
      const trust = parseTrust(content);
      this.inForce = trust;
      this.reason = undefined;
      replaced();
      report({ type: 'loaded', issuer: trust.issuer, kids: kidsOf(trust) });
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
