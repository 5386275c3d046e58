import type { Passwords } from '../passwords/passwords.ts';
import { openSession } from '../sessions/grant.ts';
import type { Device, Grant, SessionPorts } from '../sessions/grant.ts';
import type { Credentials } from '../sessions/sign-in.ts';
import { EmailTaken } from '../users/errors.ts';

export type SignUpPorts = SessionPorts & {
  readonly passwords: Passwords;
  /** All or nothing. */
  readonly atomically: <T>(work: () => Promise<T>) => Promise<T>;
};

/** The user and its first session are one transaction, so a failed sign-up can simply be tried again. */
export async function signUp({ email, password }: Credentials, device: Device, ports: SignUpPorts): Promise<Grant> {
  // Spares a hash; the unique index is the judge.
  if (await ports.users.findForSignIn(email)) throw new EmailTaken();
  const hash = await ports.passwords.hash(password);
  return ports.atomically(async () => {
    const user = await ports.users.add({ email, password: hash, roles: ['user'] });
    return openSession(user, device, ports);
  });
}
