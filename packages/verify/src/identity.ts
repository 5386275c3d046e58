import type { VerifyError } from './errors.ts';
import type { User } from './user.ts';

/** Whose request it is. */
export type Identity =
  | { readonly state: 'user'; readonly user: User }
  /** Admitted where nobody needs to sign in. */
  | { readonly state: 'nobody'; readonly why: VerifyError }
  /** Refused everywhere. */
  | { readonly state: 'refused'; readonly why: VerifyError };
