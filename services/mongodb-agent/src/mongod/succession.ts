import type { ConfigMember, Optime } from '../api.ts';

/** A member as the one that leaves knows it. */
export interface Fellow {
  readonly host: string;
  readonly isHealthySecondary: boolean;
  readonly isPrimary: boolean;
  /** Of the last write that it has applied. */
  readonly optime?: Optime;
}

/** What is done before a member leaves. */
export interface Succession {
  /** Who is primary once it has left. */
  readonly heir: string;
  /** Those who shall replicate from the heir already before that. */
  readonly followers: readonly string[];
  /** Only where they replicate from this member now; absent: whomever from. */
  readonly from?: string;
}

/** A member that is further behind is not waited for. */
const CAUGHT_UP_SECONDS = 2;

export interface Leaving {
  readonly self: Fellow;
  readonly others: readonly Fellow[];
  /** In the order of the configuration. */
  readonly config: readonly ConfigMember[];
}

/**
 * A secondary whose source has gone, or is primary no more, waits a second before it chooses another, and until then no
 * majority acknowledges a write. So whoever replicates from a member that leaves turns to the next primary before. Only
 * members of the leaving one's own term count: their logs are part of its log, so nobody has to roll back.
 */
export function successionOf({ self, others, config }: Leaving): Succession | undefined {
  const heir = self.isPrimary ? electedNext({ self, others, config }) : others.find(({ isPrimary }) => isPrimary)?.host;
  if (heir === undefined) return undefined;
  const isVoting = (host: string): boolean => config.some((entry) => entry.host === host && entry.votes === 1);
  const followers = others.filter(
    ({ host, isHealthySecondary }) => host !== heir && isHealthySecondary && isVoting(host),
  );
  return { heir, followers: followers.map(({ host }) => host), ...(!self.isPrimary && { from: self.host }) };
}

/** A primary that steps down has the first of the configuration stand that has caught up and has the highest priority. */
function electedNext({ self, others, config }: Leaving): string | undefined {
  const { optime: own } = self;
  if (!own) return undefined;
  const hasCaughtUp = ({ optime }: Fellow): boolean =>
    optime?.term === own.term && own.seconds - optime.seconds <= CAUGHT_UP_SECONDS;
  const candidates = config.filter(({ host, votes, priority }) => {
    const member = others.find((other) => other.host === host);
    return votes === 1 && priority > 0 && member?.isHealthySecondary === true && hasCaughtUp(member);
  });
  return candidates.toSorted((a, b) => b.priority - a.priority)[0]?.host;
}
