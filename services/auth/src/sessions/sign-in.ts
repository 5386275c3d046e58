import type { Applicant } from '../passwords/admission.ts';
import type { Passwords } from '../passwords/passwords.ts';
import { CookieTooLarge } from '../tokens/access-token.ts';
import type { Outcome } from '../throttles/sign-in-delays.ts';
import type { Email } from '../users/email.ts';
import { InvalidCredentials, UserBanned, UserDisabled } from './errors.ts';
import { openSession } from './grant.ts';
import type { Device, Grant, SessionPorts } from './grant.ts';
import { endLeastUsed } from './own-sessions.ts';

export interface Credentials {
  readonly email: Email;
  readonly password: string;
}

export type SignInPorts = SessionPorts & { readonly passwords: Passwords };

/** Where a sign-in or sign-up comes from. */
export interface From {
  readonly device: Device;
  readonly applicant: Applicant;
  /** Lets the work begin if it may now, and counts how it ends. */
  readonly throttle: <T>(work: () => Promise<T>) => Promise<T>;
}

export async function signIn({ email, password }: Credentials, from: From, ports: SignInPorts): Promise<Grant> {
  const grant = await ports.passwords.admit(from.applicant, (hashing) =>
    from.throttle(async () => {
      const found = await ports.users.findForSignIn(email);
      const { matches, renewed } = await hashing.verify(password, found?.password);
      if (!found || !matches) throw new InvalidCredentials();
      const opened = await openSession(found.user, from.device, ports);
      // The right password still opens the door when its hash cannot be replaced now; the next sign-in tries again.
      const change = renewed && { from: found.password, to: renewed };
      if (change) await ports.users.replacePassword(found.user.id, change).catch(() => false);
      return opened;
    }),
  );
  await endLeastUsed(grant.user, ports);
  return grant;
}

const saidToTheRightPassword = [UserBanned, UserDisabled, CookieTooLarge] as const;

/** What the error of a sign-in says of its password; of any other reason nothing. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof InvalidCredentials) return 'wrong';
  return saidToTheRightPassword.some((refusal) => error instanceof refusal) ? 'right' : 'undecided';
}
