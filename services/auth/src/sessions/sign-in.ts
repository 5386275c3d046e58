import type { Passwords } from '../passwords/passwords.ts';
import type { Email } from '../users/email.ts';
import { InvalidCredentials } from './errors.ts';
import { openSession } from './grant.ts';
import type { Device, Grant, SessionPorts } from './grant.ts';

export interface Credentials {
  readonly email: Email;
  readonly password: string;
}

export type SignInPorts = SessionPorts & { readonly passwords: Passwords };

export async function signIn({ email, password }: Credentials, device: Device, ports: SignInPorts): Promise<Grant> {
  const found = await ports.users.findForSignIn(email);
  const matches = await ports.passwords.matches(password, found?.password);
  if (!found || !matches) throw new InvalidCredentials();
  return openSession(found.user, device, ports);
}
