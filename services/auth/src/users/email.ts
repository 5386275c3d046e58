import { domainToASCII } from 'node:url';
import { z } from 'zod';

/** An address in the one spelling that is stored and compared. */
export type Email = string & { readonly __brand: 'Email' };

const MAX_LENGTH = 254;
const MAX_LOCAL_LENGTH = 64;
const local = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const domain = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Trimmed, NFC, lower case, the domain by UTS 46. `undefined` for what is not an address or has a second spelling. */
export function normaliseEmail(text: string): Email | undefined {
  const trimmed = text.trim().normalize('NFC');
  // Full-width letters, ligatures and the like look like another address; they are refused, not folded.
  if (!trimmed.isWellFormed() || trimmed.normalize('NFKC') !== trimmed) return undefined;
  const at = trimmed.lastIndexOf('@');
  const localPart = trimmed.slice(0, Math.max(at, 0)).toLowerCase().normalize('NFC');
  const domainPart = domainToASCII(trimmed.slice(at + 1));
  if (!local.test(localPart) || Buffer.byteLength(localPart) > MAX_LOCAL_LENGTH || !domain.test(domainPart)) {
    return undefined;
  }
  const email = `${localPart}@${domainPart}`;
  return email.length > MAX_LENGTH || email.normalize('NFKC') !== email ? undefined : (email as Email);
}

export const emailField = z
  .string()
  .max(MAX_LENGTH * 2, `must have at most ${MAX_LENGTH} characters`)
  .meta({ format: 'email' })
  .transform((text, context): Email => {
    const email = normaliseEmail(text);
    if (email !== undefined) return email;
    context.addIssue({ code: 'custom', message: 'must be an e-mail address', input: text });
    return z.NEVER;
  });
