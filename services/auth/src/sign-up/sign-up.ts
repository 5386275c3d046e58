import type { Passwords } from '../passwords/passwords.ts';
import { openSession } from '../sessions/grant.ts';
import type { Grant, SessionPorts } from '../sessions/grant.ts';
import type { Credentials, From } from '../sessions/sign-in.ts';
import { EmailTaken } from '../users/errors.ts';

export type SignUpPorts = SessionPorts & {
  readonly passwords: Passwords;
  /** All or nothing. */
  readonly atomically: <T>(work: () => Promise<T>) => Promise<T>;
};

/** The user and its first session are one transaction, so a failed sign-up can simply be tried again. */
export function signUp({ email, password }: Credentials, from: From, ports: SignUpPorts): Promise<Grant> {
  return ports.passwords.admit(from.applicant, (hashing) =>
    from.throttle(async () => {
      // Spares a hash; the unique index is the judge.
      if (await ports.users.findForSignIn(email)) throw new EmailTaken();
      const hash = await hashing.hash(password);
      return ports.atomically(async () => {
        const user = await ports.users.add({ email, password: hash, roles: ['user'] });
        return openSession(user, from.device, ports);
      });
    }),
  );
}
