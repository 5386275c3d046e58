import punycode from 'punycode/punycode.js';

/**
 * An address as people write it: the service stores its domain in ASCII (`xn--mnchen-3ya.de`, RFC 3492). What would not be
 * stored as the same address again is shown as it is stored.
 */
export function emailText(email: string): string {
  const at = email.lastIndexOf('@') + 1;
  return email.slice(0, at) + domainText(email.slice(at));
}

/** A host name as people write it. */
export function domainText(domain: string): string {
  try {
    const text = punycode.toUnicode(domain);
    // A URL reads a host by UTS 46, as the service reads the domain of an address.
    return new URL(`https://${text}`).hostname === domain.replace(/:\d+$/, '') ? text : domain;
  } catch {
    return domain;
  }
}
