import { z } from 'zod';
import { immutable, rules } from '../rules.ts';

const localHosts = "['localhost', '127.0.0.1', '[::1]', '::1']";

export const publicURL = z
  .string()
  .min(1)
  .max(253)
  .regex(/^https?:\/\/[a-z0-9.[\]:-]+$/)
  .meta({
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
    ),
  });
