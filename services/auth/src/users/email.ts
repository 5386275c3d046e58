import { domainToASCII, domainToUnicode } from 'node:url';
import { z } from 'zod';

/** An address in the one spelling that is stored and compared. */
export type Email = string & { readonly __brand: 'Email' };

const MAX_LENGTH = 254;
const MAX_LOCAL_LENGTH = 64;
const atom = "[\\p{L}\\p{N}!#$%&'*+/=?^_`{|}~-][\\p{L}\\p{M}\\p{N}!#$%&'*+/=?^_`{|}~-]*";
const local = new RegExp(`^${atom}(\\.${atom})*$`, 'u');
/** Joiners, fillers, variation selectors: nobody sees them, and UTS 46 drops some of them. */
const invisible = /\p{Default_Ignorable_Code_Point}/u;
/** `domainToASCII` reads the host of a URL: it ends at a `/`, decodes `%6d`, and takes other dots for dots. */
const writtenDomain = /^[\p{L}\p{M}\p{N}.-]+$/u;
/** Stays in what is shown where it decodes to nothing. */
const punycode = /(^|\.)xn--/;
/** A last label of digits makes a URL's host an IPv4 address: `1` is 0.0.0.1. */
const domain = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+(?!\d+$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Trimmed, NFC, in one case, the domain by UTS 46. `undefined` for what is not an address, has a second spelling or holds what
 * nobody sees.
 */
export function normaliseEmail(text: string): Email | undefined {
  const trimmed = text.trim().normalize('NFC');
  // Full-width letters, ligatures and the like look like another address; they are refused, not folded.
  if (!trimmed.isWellFormed() || invisible.test(trimmed) || trimmed.normalize('NFKC') !== trimmed) return undefined;
  const at = trimmed.lastIndexOf('@');
  const localPart = folded(trimmed.slice(0, Math.max(at, 0))).normalize('NFC');
  const domainPart = asciiDomain(trimmed.slice(at + 1));
  if (domainPart === undefined) return undefined;
  if (!local.test(localPart) || Buffer.byteLength(localPart) > MAX_LOCAL_LENGTH) return undefined;
  const email = `${localPart}@${domainPart}`;
  return email.length > MAX_LENGTH || email.normalize('NFKC') !== email ? undefined : (email as Email);
}

function asciiDomain(written: string): string | undefined {
  if (!writtenDomain.test(written)) return undefined;
  const ascii = domainToASCII(written);
  // What was written as Punycode already is looked at as what it shows.
  const shown = domainToUnicode(ascii);
  if (!writtenDomain.test(shown) || invisible.test(shown) || punycode.test(shown)) return undefined;
  const isOnlySpelling = shown.normalize('NFKC') === shown && domainToASCII(shown) === ascii;
  return isOnlySpelling && domain.test(ascii) ? ascii : undefined;
}

/**
 * Simple case folding (Unicode, CaseFolding.txt, C and S), letter by letter. Lower case is not enough: that of Σ depends on its place
 * in the word, so that `ΣΟΣ` and `σοσ` would be two accounts.
 */
function folded(text: string): string {
  return Array.from(text, (letter) => {
    const other = letter.toUpperCase().toLowerCase();
    return isSameLetter(letter, other) ? other : letter.toLowerCase();
  }).join('');
}

/** As the regular expressions of ECMAScript compare without regard to case: ß is not ss, and ı is not i. */
function isSameLetter(one: string, other: string): boolean {
  return /^\p{L}$/u.test(one) && new RegExp(`^${one}$`, 'iu').test(other);
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
