import Bowser from 'bowser';

/** What a person calls the device of a session, from its user agent: `Firefox on Android`, `curl`. */
export function deviceText(userAgent: string | undefined): string {
  const text = userAgent?.trim() ?? '';
  if (text === '') return 'Unknown device';
  const { browser, os, platform } = Bowser.parse(text);
  // iPhones and iPads are known by their own names rather than by that of their system.
  const device = platform.vendor === 'Apple' ? (platform.model ?? os.name) : os.name;
  const known = [browser.name, device].filter((name) => name !== undefined && name !== '');
  return known.length > 0 ? known.join(' on ') : programOf(text);
}

/** The product of a client that is no browser (RFC 9110 §10.1.5): `curl/8.5.0`. */
function programOf(userAgent: string): string {
  const [product = ''] = /^[\w.+-]{1,40}/.exec(userAgent) ?? [];
  return product === '' || product === 'Mozilla' ? 'Unknown device' : product;
}
