import type { Form } from './session.ts';

/** The service serves the page at `/` only, so which of the two forms is shown is in the hash. */
export const hashes: Readonly<Record<Form, string>> = { signIn: '#sign-in', signUp: '#sign-up' };

export function formOf(hash: string): Form {
  return hash === hashes.signUp ? 'signUp' : 'signIn';
}
