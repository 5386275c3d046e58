import type { Millis } from '@authstack/http-service/clock';
import type { User, UserId } from '../users/user.ts';

export type Refusal = 'UserGone' | 'UserBanned' | 'UserDisabled' | 'SessionGone' | 'SessionEnded' | 'TokenSuperseded';

/** What of a session decides. */
export interface JudgedSession {
  readonly userId: UserId;
  /** The user's `ver` when the session was opened. */
  readonly ver: number;
  /** When it was read, by the clock that set the times below. */
  readonly asOf: Millis;
  readonly expiresAt: Millis;
  readonly idleExpiresAt: Millis;
  readonly endedAt?: Millis | undefined;
}

export interface Claim {
  readonly user: User | undefined;
  readonly session: JudgedSession | undefined;
  /** `ver` of the access token at hand; absent where one is to be made. */
  readonly ver?: number;
}

type Rule = (claim: Claim) => Refusal | undefined;

/** The first that answers wins. */
const rules: readonly Rule[] = [
  theUserIsGone,
  theUserIsBanned,
  theUserIsDisabled,
  theSessionIsGone,
  theSessionHasEnded,
  theSessionIsOlderThanTheUsersLastSignOutEverywhere,
  theTokenIsOlderThanTheUsersLastChange,
];

/**
 * The one answer to "may this user hold a token": every grant, refresh and check of a token asks here.
 * No clocks of two machines are compared: `ver` tells what was revoked, and a session brings the time by which it is judged.
 */
export function whyNoToken(claim: Claim): Refusal | undefined {
  for (const rule of rules) {
    const refusal = rule(claim);
    if (refusal) return refusal;
  }
  return undefined;
}

function theUserIsGone({ user }: Claim): Refusal | undefined {
  return user ? undefined : 'UserGone';
}

function theUserIsBanned({ user }: Claim): Refusal | undefined {
  return user?.banned ? 'UserBanned' : undefined;
}

function theUserIsDisabled({ user }: Claim): Refusal | undefined {
  return user?.disabled ? 'UserDisabled' : undefined;
}

function theSessionIsGone({ user, session }: Claim): Refusal | undefined {
  return session && session.userId === user?.id ? undefined : 'SessionGone';
}

function theSessionHasEnded({ session }: Claim): Refusal | undefined {
  if (!session) return undefined;
  const { asOf, endedAt, expiresAt, idleExpiresAt } = session;
  const over = endedAt !== undefined || asOf >= expiresAt || asOf >= idleExpiresAt;
  return over ? 'SessionEnded' : undefined;
}

function theSessionIsOlderThanTheUsersLastSignOutEverywhere({ user, session }: Claim): Refusal | undefined {
  return user && session && session.ver < user.sessionsFrom ? 'SessionEnded' : undefined;
}

function theTokenIsOlderThanTheUsersLastChange({ user, ver }: Claim): Refusal | undefined {
  return user && ver !== undefined && ver !== user.ver ? 'TokenSuperseded' : undefined;
}
