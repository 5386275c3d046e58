import type { Passwords } from '../passwords/passwords.ts';
import { sessionOpener } from '../sessions/grant.ts';
import type { Grant, SessionPorts } from '../sessions/grant.ts';
import type { Credentials, From } from '../sessions/sign-in.ts';
import { EmailTaken } from '../users/errors.ts';
import type { UserId } from '../users/user.ts';

export type SignUpPorts = SessionPorts & {
  readonly passwords: Passwords;
  /** All or nothing; done again while nobody knows which, so it must find what it has done before. */
  readonly atomically: <T>(work: () => Promise<T>) => Promise<T>;
  readonly newUserId: () => UserId;
};

/**
 * The user and its first session are one transaction, so a failed sign-up can simply be tried again. Their ids are those of the
 * request: an attempt that meets them has been here before.
 */
export function signUp({ email, password }: Credentials, from: From, ports: SignUpPorts): Promise<Grant> {
  return ports.passwords.admit(from.applicant, (hashing) =>
    from.throttle(async () => {
      // Spares a hash; the unique index is the judge.
      if (await ports.users.findForSignIn(email)) throw new EmailTaken();
      const hash = await hashing.hash(password);
      const id = ports.newUserId();
      const open = sessionOpener(from.device, ports);
      return ports.atomically(async () => open(await ports.users.add({ email, password: hash, roles: ['user'] }, id)));
    }),
  );
}
