import { immutable, rules } from '../rules.ts';
import { text } from '../text.ts';

const label = '[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?';
const host = `(${label}([.]${label})*|\\[[0-9a-f:]+\\])`;
const port = '[1-9][0-9]{0,4}';

const octet = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
/** What browsers read as an IPv4 address: its last part is a number. */
const likeIPv4 = /^https?:[/]{2}([^[:]*[.])?([0-9]+|0x[0-9a-f]*)(:[0-9]+)?$/.source;
const exactIPv4 = `^https?:[/]{2}${octet}([.]${octet}){3}(:[0-9]+)?$`;
/** The part with at least two colons. The functions on URLs give texts of unknown length, too dear for the rules of a CRD. */
const ipv6 = "self.find('[0-9a-f]*:[0-9a-f]*:[0-9a-f:]*')";

/** Whether the host is an IP address, for a URL that fits the rules below. */
export function hasAddress(field: string): string {
  return `${field}.matches('^https?:[/]{2}([[]|[0-9.]+(:|$))')`;
}

const localHosts = "['localhost', '127.0.0.1', '[::1]', '::1']";

/** An origin as browsers write it (WHATWG URL): the service compares it with their Origin header, text by text. */
export const publicURL = text({
  max: 253,
  pattern: new RegExp(`^https?:[/]{2}${host}(:${port})?$`),
  message: 'must be https://host or https://host:port in lower case, without a path or a slash at the end',
}).meta({
  description:
    'Where browsers reach the stack: https://host[:port], without a path. It is the issuer of every token and the only allowed origin. Immutable. Plain http is for localhost, *.localhost, 127.0.0.1 and [::1].',
  ...rules(
    immutable('publicURL', 'it is the issuer of every token; make a new AuthStack for a new address'),
    {
      rule: `isURL(self) && (url(self).getScheme() == 'https' || url(self).getHostname() in ${localHosts} || url(self).getHostname().endsWith('.localhost'))`,
      message: 'publicURL must be https://host[:port]; http only for localhost, *.localhost, 127.0.0.1 and [::1]',
    },
    {
      rule: "!isURL(self) || url(self).getPort() != (url(self).getScheme() == 'https' ? '443' : '80')",
      message: 'publicURL must leave out the default port of its scheme, as browsers do in Origin',
    },
    {
      rule: "!isURL(self) || url(self).getPort() == '' || int(url(self).getPort()) <= 65535",
      message: 'publicURL must have a port of at most 65535',
    },
    {
      rule: `!self.matches('${likeIPv4}') || self.matches('${exactIPv4}')`,
      message:
        'publicURL must have a DNS name whose last part is not a number, or an IPv4 address of four numbers such as 192.0.2.1',
    },
    {
      rule: `!self.contains('[') || (isIP(${ipv6}) && ip.isCanonical(${ipv6}))`,
      message: 'publicURL must have an IPv6 address as browsers write it, in its shortest form: [2001:db8::1]',
    },
  ),
});
